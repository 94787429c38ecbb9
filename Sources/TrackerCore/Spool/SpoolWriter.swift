/// The segment that a spool appends to, and the records on their way into it.
///
/// One write for each append and segment: records are encoded into a buffer first.
struct SpoolWriter {
    /// Where the writer gets its segments from, and whom it tells what it stored.
    struct Surroundings {
        var limits: SpoolLimits
        var synchronizes: Bool
        /// Opens a segment with room for so many bytes. Gives the bytes in the whole directory too.
        var openSegment: (_ needed: Int) -> (Result<SpoolSegmentFile, SystemError>, total: Int)
        /// Deletes the oldest segments until so many bytes more fit. Gives the bytes in the whole directory.
        var makeRoom: (_ needed: Int, _ kept: SpoolSegmentFile?, inout SpoolAppendResult) -> Int?
        var stored: (_ count: Int, _ name: String, _ range: Range<Int>) -> Void
    }

    private var file: SpoolSegmentFile?
    /// The end of the last whole record in the file.
    private var end = 0
    /// The bytes in the directory as last seen, and what was written since.
    private var totalBytes = 0
    private var bytesSinceListing = 0
    /// What the next write puts at `end`; where each record in it ends, and how many events it holds.
    private var buffer: [UInt8] = []
    private var records: [(end: Int, events: Int)] = []

    /// Memory kept from one append to the next.
    private static let keptCapacity = 64 << 10

    mutating func append(_ records: [SpoolRecord], _ surroundings: Surroundings) -> SpoolAppendResult {
        var result = SpoolAppendResult()
        var failure: SystemError?
        if let file, !file.belongsToThisProcess || file.sizeIfLinked == nil { self.file = nil }
        for record in records {
            let size = SpoolFormat.encodedBytes(of: record)
            guard record.body.count <= surroundings.limits.maximumBodyBytes,
                size <= surroundings.limits.maximumBytes - SpoolFormat.fileHeaderBytes
            else {
                result.tooLarge += record.eventCount
                continue
            }
            // After a failure the rest is not tried: a batch should not meet a full disk record by record.
            if let failure {
                result.drop(record.eventCount, because: failure)
                continue
            }
            failure = prepare(for: size, surroundings, &result)
            if let failure {
                result.drop(record.eventCount, because: failure)
            } else if !makeRoom(for: size, surroundings, &result) {
                result.spoolFull += record.eventCount
            } else {
                SpoolFormat.append(record, to: &buffer)
                self.records.append((buffer.count, record.eventCount))
            }
        }
        if failure == nil { failure = flush(surroundings, &result) }
        if buffer.capacity > Self.keptCapacity { buffer = [] }
        return result
    }

    /// Gives the segment up, so that it can be claimed.
    mutating func seal() {
        // A segment in which nothing was stored leaves no file behind.
        if end == 0, let file, file.belongsToThisProcess { _ = file.remove() }
        file = nil
        end = 0
    }

    /// Makes sure that a segment is open and takes `size` bytes more.
    private mutating func prepare(
        for size: Int, _ surroundings: Surroundings, _ result: inout SpoolAppendResult
    ) -> SystemError? {
        let filled = end + buffer.count
        if file != nil {
            if filled + size <= surroundings.limits.maximumSegmentBytes || filled <= SpoolFormat.fileHeaderBytes {
                if end == 0, buffer.isEmpty { buffer = SpoolFormat.fileHeader }
                return nil
            }
            if let failure = flush(surroundings, &result) { return failure }
            seal()
        }
        let (opened, total) = surroundings.openSegment(size)
        totalBytes = total
        bytesSinceListing = 0
        switch opened {
        case .failure(let failure): return failure
        case .success(let opened):
            guard let size = opened.sizeIfLinked else { return SystemError(call: "fstat", code: 0) }
            file = opened
            end = size
            if end == 0 { buffer = SpoolFormat.fileHeader }
            return nil
        }
    }

    /// Keeps the directory's size limit; false if nothing more can be deleted.
    private mutating func makeRoom(
        for size: Int, _ surroundings: Surroundings, _ result: inout SpoolAppendResult
    ) -> Bool {
        let needed = buffer.count + size
        // Others write too, so the sum is only good for a while.
        if totalBytes + needed <= surroundings.limits.maximumBytes,
            bytesSinceListing + needed <= surroundings.limits.maximumSegmentBytes / 8
                || bytesSinceListing == 0
        {
            return true
        }
        guard let total = surroundings.makeRoom(needed, file, &result) else { return false }
        totalBytes = total
        bytesSinceListing = 0
        return true
    }

    /// Writes what is buffered. Whole records that went in before a failure stay and count as stored.
    private mutating func flush(_ surroundings: Surroundings, _ result: inout SpoolAppendResult) -> SystemError? {
        defer {
            buffer.removeAll(keepingCapacity: true)
            records.removeAll(keepingCapacity: true)
        }
        guard let file, !records.isEmpty else { return nil }
        var (written, failure) = buffer.withUnsafeBytes { file.write($0, at: end) }
        if failure == nil, surroundings.synchronizes, !file.synchronize() {
            failure = SystemError(call: "fdatasync")
            written = 0
        }
        let stored = records.prefix { $0.end <= written }
        let whole = stored.last?.end ?? 0
        let events = stored.reduce(0) { $0 + $1.events }
        if written > whole || failure != nil { file.truncate(to: end + whole) }
        if whole > 0 {
            surroundings.stored(events, file.name, end..<end + whole)
            end += whole
            totalBytes += whole
            bytesSinceListing += whole
            result.stored += events
        }
        if let failure {
            result.drop(records.reduce(0) { $0 + $1.events } - events, because: failure)
            // A file that failed is not trusted with the next append.
            seal()
        }
        return failure
    }
}

extension SpoolAppendResult {
    fileprivate mutating func drop(_ count: Int, because failure: SystemError) {
        if failure.isLackOfSpace { diskFull += count } else { unwritable += count }
    }
}
