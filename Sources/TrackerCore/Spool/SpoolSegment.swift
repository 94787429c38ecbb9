/// A segment that this process holds: nobody else can read, extend or delete it until it is let go.
///
/// Records leave it one by one. Each is *out* until it is settled; the file goes when the last is.
final class SpoolSegment {
    let file: SpoolSegmentFile
    /// The end of the last whole record.
    private(set) var end: Int
    /// Up to where records were read into `ready`.
    private var scannedEnd = SpoolFormat.fileHeaderBytes
    /// Records that may be handed out; the next is the last.
    private var ready: [SpoolSegmentContents.Entry] = []
    /// Where records begin that were handed out and are not settled.
    private var out: Set<Int> = []
    /// Where this process's own records lie; they follow one another, since the segment is held.
    private var ownRange: Range<Int>
    /// Own events that are not settled.
    private(set) var ownPending: Int
    /// Bytes behind `scannedEnd` may hold records that were not handed out.
    private var mayHoldMore: Bool
    /// The file could not be read; what it holds is left to whoever comes next.
    private var isUnreadable = false
    private(set) var losses = SpoolLosses()

    /// What this process has in a segment that it has let go of.
    struct Own {
        var range: Range<Int>
        var pending: Int
    }

    /// - Parameter size: the file's; a record that was cut short at its end stays there, and readers pass over it.
    init(_ file: SpoolSegmentFile, size: Int, own: Own?) {
        self.file = file
        end = max(size, SpoolFormat.fileHeaderBytes)
        ownRange = own?.range ?? end..<end
        ownPending = own?.pending ?? 0
        mayHoldMore = size > SpoolFormat.fileHeaderBytes
    }

    var name: String { file.name }
    var own: Own? { ownPending > 0 ? Own(range: ownRange, pending: ownPending) : nil }
    var hasOut: Bool { !out.isEmpty }
    /// Whether a record can be handed out, or may be after another look into the file.
    var mayHaveReady: Bool { !ready.isEmpty || mayHoldMore }
    /// Whether every record is settled.
    var isSpent: Bool { out.isEmpty && !mayHaveReady && !isUnreadable }

    // MARK: Writing

    /// Appends records that are encoded already.
    ///
    /// - Returns: the bytes that were written as a whole, and the failure that kept the rest out.
    func write(_ bytes: [UInt8], ends: [Int]) -> (whole: Int, failure: SystemError?) {
        let header = end == SpoolFormat.fileHeaderBytes ? SpoolFormat.fileHeader : []
        if !header.isEmpty {
            let (_, failure) = header.withUnsafeBytes { file.write($0, at: 0) }
            if let failure { return (0, failure) }
        }
        let (written, failure) = bytes.withUnsafeBytes { file.write($0, at: end) }
        let whole = ends.last { $0 <= written } ?? 0
        if written > whole || failure != nil { file.truncate(to: end + whole) }
        return (whole, failure)
    }

    /// Takes over what ``write(_:ends:)`` has written, record by record.
    ///
    /// - Parameter isOut: whether the caller keeps the record in memory, so that it must not be handed out again.
    /// - Returns: where the record begins.
    func append(bytes: Int, events: Int, isOut: Bool) -> Int {
        let start = end
        if ownRange.isEmpty { ownRange = start..<start }
        end += bytes
        ownRange = ownRange.lowerBound..<end
        ownPending += events
        if isOut {
            out.insert(start)
            if !mayHoldMore, scannedEnd == start { scannedEnd = end }
        } else {
            mayHoldMore = true
        }
        return start
    }

    // MARK: Reading

    /// Hands out the next record.
    ///
    /// - Parameter oldest: records captured before are lost.
    func next(oldest: UInt64) -> SpoolSegmentContents.Entry? {
        if ready.isEmpty, mayHoldMore { scan(oldest: oldest) }
        guard let entry = ready.popLast() else { return nil }
        out.insert(entry.offset)
        return entry
    }

    /// Reads what was not read before.
    func scan(oldest: UInt64) {
        mayHoldMore = false
        guard let bytes = file.read(count: end) else {
            isUnreadable = true
            return
        }
        let contents = bytes.withUnsafeBytes { SpoolSegmentReader.read($0, from: scannedEnd) }
        scannedEnd = end
        losses.corrupt += contents.corrupt
        losses.torn += contents.torn
        let entries = contents.entries.filter { entry in
            guard !entry.isDelivered, !out.contains(entry.offset) else { return false }
            guard entry.record.capturedAt >= oldest else {
                losses.expired += 1
                return false
            }
            return true
        }
        ready = entries.reversed() + ready
    }

    /// How many events could still be handed out; the file must have been scanned.
    var readyEvents: Int { ready.reduce(0) { $0 + $1.record.eventCount } }

    func isOwn(_ offset: Int) -> Bool { ownRange.contains(offset) }

    // MARK: Settling

    /// A record was delivered, or will never be.
    func settle(_ offset: Int, events: Int) {
        guard out.remove(offset) != nil else { return }
        if isOwn(offset) { ownPending -= min(events, ownPending) }
        // Where nothing is left, the file as a whole says so.
        if !isSpent { mark(offset, SpoolFormat.deliveredMark) }
    }

    /// Notes that a record's lines begin to travel one by one.
    func split(_ offset: Int) { mark(offset, SpoolFormat.splitMark) }

    /// If it fails, the record is sent again: allowed, while a loss is not.
    private func mark(_ offset: Int, _ mark: UInt32) {
        var mark = mark.littleEndian
        _ = withUnsafeBytes(of: &mark) { file.write($0, at: offset) }
    }

    /// Takes back what was handed out, so that it can be handed out again.
    func giveBack(_ offset: Int) {
        guard out.remove(offset) != nil else { return }
        ready = []
        scannedEnd = SpoolFormat.fileHeaderBytes
        losses = SpoolLosses()
        mayHoldMore = true
    }

    /// Begins anew after all records were settled.
    func reset() -> Bool {
        guard file.truncate(to: SpoolFormat.fileHeaderBytes) else { return false }
        end = SpoolFormat.fileHeaderBytes
        scannedEnd = end
        ownRange = end..<end
        return true
    }
}

/// Records of one segment that cannot be delivered.
package struct SpoolLosses: Sendable, Equatable {
    /// Unreadable, with something readable behind them.
    package var corrupt = 0
    /// 1 if the segment ends in the middle of a record.
    package var torn = 0
    /// Older than the limit.
    package var expired = 0

    package init() {}
}

/// Where a record lies on disk while it is on its way.
package final class SpoolPlace {
    let segment: SpoolSegment
    let offset: Int
    let events: Int
    /// Whether this spool object wrote the record, and not another process or an earlier run.
    package let isOwn: Bool
    /// Whether its lines travel one by one.
    package fileprivate(set) var isSplit: Bool

    init(segment: SpoolSegment, offset: Int, events: Int, isSplit: Bool = false) {
        self.segment = segment
        self.offset = offset
        self.events = events
        isOwn = segment.isOwn(offset)
        self.isSplit = isSplit
    }

    /// Notes on disk that the record's lines travel one by one from now on, each under a key of its own.
    package func split() {
        guard !isSplit else { return }
        isSplit = true
        segment.split(offset)
    }
}
