/// A segment held by this process: no other can read, extend or delete it until it is released.
///
/// Records are handed out one by one. Each is *out* until it is settled; the file is deleted with the last one.
final class SpoolSegment {
    let file: SpoolSegmentFile
    /// The end of the last whole record.
    private(set) var end: Int
    /// How far records have been read into `ready`.
    private var scannedEnd = SpoolFormat.fileHeaderBytes
    /// Records that can be handed out; the last element is next.
    private var ready: [SpoolSegmentContents.Entry] = []
    /// Offsets of records that were handed out and are not settled.
    private var out: Set<Int> = []
    /// The ranges of this process's own records. What it writes while it holds the segment is contiguous; between two
    /// such times another process may have written.
    private var ownRanges: [Range<Int>]
    /// Own events not yet settled.
    private(set) var ownPending: Int
    /// Own events that another process delivered while this one had released the segment.
    private(set) var takenByOthers = 0
    private var mustRecount: Bool
    /// Whether bytes after `scannedEnd` may hold records not yet handed out.
    private var mayHoldMore: Bool
    /// Whether reading the file failed; its records are left to the next process.
    private var isUnreadable = false
    private(set) var losses = SpoolLosses()

    /// This process's records in a segment that it has released.
    struct Own {
        var ranges: [Range<Int>]
        var pending: Int
    }

    /// - Parameter size: the file's size; a record torn at its end stays there, and readers skip it.
    init(_ file: SpoolSegmentFile, size: Int, own: Own?) {
        self.file = file
        end = max(size, SpoolFormat.fileHeaderBytes)
        ownRanges = own?.ranges ?? []
        ownPending = own?.pending ?? 0
        mustRecount = own != nil
        mayHoldMore = size > SpoolFormat.fileHeaderBytes
    }

    var name: String { file.name }
    var own: Own? { ownPending > 0 ? Own(ranges: ownRanges, pending: ownPending) : nil }
    var hasOut: Bool { !out.isEmpty }
    /// Whether a record can be handed out, now or after reading more of the file.
    var mayHaveReady: Bool { !ready.isEmpty || mayHoldMore }
    /// Whether every record is settled.
    var isSpent: Bool { out.isEmpty && !mayHaveReady && !isUnreadable }

    // MARK: Writing

    /// Appends encoded records.
    ///
    /// - Returns: the bytes of the records written whole, and the failure that prevented the rest from being written.
    func write(_ bytes: [UInt8], ends: [Int]) -> (whole: Int, failure: SystemError?) {
        let header = end == SpoolFormat.fileHeaderBytes ? SpoolFormat.fileHeader : []
        if !header.isEmpty {
            let (_, failure) = header.withUnsafeBytes { file.write($0, at: 0) }
            if let failure { return (0, failure) }
        }
        let (written, failure) = bytes.withUnsafeBytes { file.write($0, at: end) }
        let whole = ends.last { $0 <= written } ?? 0
        if written > whole { file.truncate(to: end + whole) }
        return (whole, failure)
    }

    /// Adds one record that ``write(_:ends:)`` has written.
    ///
    /// - Parameter isOut: whether the caller keeps the record in memory, so that it must not be handed out.
    /// - Returns: the record's offset.
    func append(bytes: Int, events: Int, isOut: Bool) -> Int {
        let start = end
        end += bytes
        if let last = ownRanges.last, last.upperBound == start {
            ownRanges[ownRanges.count - 1] = last.lowerBound..<end
        } else {
            ownRanges.append(start..<end)
        }
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
    /// - Parameter oldest: records captured earlier are skipped and count as expired.
    func next(oldest: UInt64) -> SpoolSegmentContents.Entry? {
        if ready.isEmpty, mayHoldMore { scan(oldest: oldest) }
        guard let entry = ready.popLast() else { return nil }
        out.insert(entry.offset)
        return entry
    }

    /// Reads the records not read before.
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
        recount(contents)
        let entries = contents.entries.filter { entry in
            guard !entry.isDelivered, !out.contains(entry.offset) else { return false }
            guard entry.record.capturedAt >= oldest else {
                losses.expired += 1
                if !isOwn(entry.offset) { losses.expiredOfOthers += entry.record.eventCount }
                return false
            }
            return true
        }
        ready = entries.reversed() + ready
    }

    /// Counts own events that another process may have delivered after this one released the segment.
    private func recount(_ contents: SpoolSegmentContents) {
        guard mustRecount else { return }
        mustRecount = false
        // Records that can't be read are lost, not delivered by another process.
        guard contents.corrupt == 0, contents.torn == 0 else { return }
        let left = contents.entries.reduce(0) { sum, entry in
            entry.isDelivered || !isOwn(entry.offset) ? sum : sum + entry.record.eventCount
        }
        takenByOthers = max(0, ownPending - left)
        ownPending -= takenByOthers
    }

    /// The number of events that can still be handed out; the file must have been scanned.
    var readyEvents: Int { ready.reduce(0) { $0 + $1.record.eventCount } }

    /// Those of them that another process or an earlier run wrote.
    var readyOfOthers: Int { ready.reduce(0) { isOwn($1.offset) ? $0 : $0 + $1.record.eventCount } }

    func isOwn(_ offset: Int) -> Bool { ownRanges.contains { $0.contains(offset) } }

    // MARK: Settling

    /// Settles a record that was delivered or given up.
    func settle(_ offset: Int, events: Int) {
        guard out.remove(offset) != nil else { return }
        if isOwn(offset) { ownPending -= min(events, ownPending) }
        // The last record needs no mark: the file is removed or reset as a whole.
        if !isSpent { mark(offset, SpoolFormat.deliveredMark) }
    }

    /// Marks a record whose lines are sent one by one from now on.
    func split(_ offset: Int) { mark(offset, SpoolFormat.splitMark) }

    /// Writes a mark on a best-effort basis: if that fails, the record is sent again, which is allowed, whereas losing
    /// it is not.
    private func mark(_ offset: Int, _ mark: UInt32) {
        var mark = mark.littleEndian
        _ = withUnsafeBytes(of: &mark) { file.write($0, at: offset) }
    }

    /// Takes back a record, so that it can be handed out again.
    func giveBack(_ offset: Int) {
        guard out.remove(offset) != nil else { return }
        ready = []
        scannedEnd = SpoolFormat.fileHeaderBytes
        losses = SpoolLosses()
        mayHoldMore = true
    }

    /// Empties the segment after all its records were settled.
    func reset() -> Bool {
        guard file.truncate(to: SpoolFormat.fileHeaderBytes) else { return false }
        end = SpoolFormat.fileHeaderBytes
        scannedEnd = end
        ownRanges = []
        ownPending = 0
        losses = SpoolLosses()
        return true
    }
}

/// Records of one segment that cannot be delivered.
package struct SpoolLosses: Sendable, Equatable {
    /// Unreadable, with readable data after them.
    package var corrupt = 0
    /// 1 if the segment ends in the middle of a record.
    package var torn = 0
    /// Older than the limit.
    package var expired = 0
    /// The events in those of them that another process or an earlier run wrote.
    package var expiredOfOthers = 0

    package init() {}
}

/// The place of a record on disk while it is out.
package final class SpoolPlace {
    let segment: SpoolSegment
    let offset: Int
    let events: Int
    /// Whether this spool object wrote the record, rather than another process or an earlier run.
    package let isOwn: Bool
    /// Whether its lines are sent one by one.
    package fileprivate(set) var isSplit: Bool

    init(segment: SpoolSegment, offset: Int, events: Int, isSplit: Bool = false) {
        self.segment = segment
        self.offset = offset
        self.events = events
        isOwn = segment.isOwn(offset)
        self.isSplit = isSplit
    }

    /// Marks on disk that the record's lines are sent one by one from now on, each under its own key.
    package func split() {
        guard !isSplit else { return }
        isSplit = true
        segment.split(offset)
    }
}
