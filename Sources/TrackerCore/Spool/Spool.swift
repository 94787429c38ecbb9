/// A disk spool of parcels in a directory that several processes may share. Used by one thread.
///
/// Records are appended to segment files. A process locks the segment it writes to. The lock ends with the process, and
/// then any process can take, deliver and remove the segment. If the writer was killed, its last record may be torn;
/// the others are whole. A record counts as stored once the kernel has all of it: it survives a kill, but not a power
/// failure.
///
/// No call waits for another process. While nothing is on disk, no file is open.
package final class Spool {
    package let path: String
    private let limits: SpoolLimits
    private let now: () -> UInt64
    let segments: SegmentIndex
    /// Locked segments, including the one being written.
    private(set) var held: [SpoolSegment] = []
    private var writing: SpoolSegment?
    private(set) var counts = SpoolStatistics()

    /// The maximum number of segments held at a time; each takes a file descriptor.
    private static let maximumHeld = 64

    /// - Parameters:
    ///   - directory: created with mode 0700, with its parents, if missing. It must belong to the process's user; a
    ///     mode that is open to others is changed to 0700.
    ///   - now: nanoseconds since 1970.
    package init(
        directory: String, limits: SpoolLimits = .init(), now: @escaping () -> UInt64 = SystemClock.epochNanoseconds
    ) throws(SpoolError) {
        segments = try SegmentIndex(directory: directory, limits: limits.effective, now: now)
        path = segments.path
        self.limits = limits.effective
        self.now = now
    }

    // MARK: Writing

    /// Stores records in order. Never throws: the caller keeps what cannot be stored.
    ///
    /// - Parameter areOut: whether the caller goes on to deliver the records; otherwise ``next()`` hands them out.
    /// - Returns: where each record is stored; nil for a refused one.
    package func append(
        _ records: [SpoolRecord], areOut: Bool = false
    ) -> (places: [SpoolPlace?], result: SpoolAppendResult) {
        var places = [SpoolPlace?](repeating: nil, count: records.count)
        var result = SpoolAppendResult()
        var batch = SpoolBatch()
        var failure: SystemError?
        if let writing, writing.file.sizeIfLinked == nil { release(writing) }
        for (index, record) in records.enumerated() {
            let size = SpoolFormat.encodedBytes(of: record)
            guard record.body.count <= limits.maximumBodyBytes,
                size <= limits.maximumBytes - SpoolFormat.fileHeaderBytes
            else {
                result.tooLarge += record.eventCount
                continue
            }
            // After a failure, the rest is not attempted.
            if failure == nil, let writing, writing.end + batch.bytes.count + size > limits.maximumSegmentBytes,
                writing.end + batch.bytes.count > SpoolFormat.fileHeaderBytes
            {
                failure = flush(&batch, records, areOut, &places, &result)
                finishWriting()
            }
            if failure == nil, writing == nil {
                switch segments.openForWriting(size) {
                case .success(let segment):
                    held.append(segment)
                    writing = segment
                case .failure(let error): failure = error
                }
            }
            if let failure {
                result.refuse(record.eventCount, because: failure)
                continue
            }
            switch makeRoom(for: batch.bytes.count + size, &result) {
            case .success(true): batch.append(record, index)
            case .success(false): result.spoolFull += record.eventCount
            case .failure(let error):
                failure = error
                result.refuse(record.eventCount, because: error)
            }
        }
        _ = flush(&batch, records, areOut, &places, &result)
        counts.add(result)
        return (places, result)
    }

    /// Writes the batch at once. Whole records written before a failure stay and count as stored.
    private func flush(
        _ batch: inout SpoolBatch, _ records: [SpoolRecord], _ areOut: Bool, _ places: inout [SpoolPlace?],
        _ result: inout SpoolAppendResult
    ) -> SystemError? {
        defer { batch = SpoolBatch() }
        guard let writing, !batch.isEmpty else { return nil }
        let (whole, failure) = batch.write(to: writing, records, areOut, &places, &result)
        segments.wrote(whole)
        // After a failed write, the next append uses another file.
        if failure != nil { finishWriting() }
        return failure
    }

    /// Stops writing to the current segment; the next append continues another or creates one.
    private func finishWriting() {
        guard let segment = writing else { return }
        writing = nil
        if segment.isSpent {
            remove(segment)
        } else if !segment.hasOut {
            release(segment)
        }
    }

    // MARK: Size limit

    /// Makes room within the directory's size limit by deleting the oldest segments; false if that is not enough.
    private func makeRoom(for needed: Int, _ result: inout SpoolAppendResult) -> Result<Bool, SystemError> {
        if segments.hasRoom(for: needed) { return .success(true) }
        guard let listing = segments.list() else { return .failure(SystemError(call: "readdir")) }
        for entry in listing.segments where segments.totalBytes + needed > limits.maximumBytes {
            guard let segment = held.first(where: { $0.name == entry.name }) ?? take(entry.name, listing) else {
                // A file that turned out not to be a segment does not count.
                if !segments.counts(entry.name) { segments.totalBytes -= entry.bytes }
                continue
            }
            guard segment !== writing, !segment.hasOut else { continue }
            segment.scan(oldest: limits.oldestCapture(at: now()))
            let events = segment.readyEvents
            guard remove(segment) else { continue }
            segments.totalBytes -= entry.bytes
            result.evictedSegments += 1
            result.evictedEvents += events
        }
        return .success(segments.totalBytes + needed <= limits.maximumBytes)
    }

    // MARK: Reading

    /// Whether ``next()`` may find something without reading the directory.
    package var mayHaveMore: Bool { segments.hasNames || held.contains { $0.mayHaveReady } }

    /// Lists the directory to find what other processes left there.
    package func look() { segments.look(holding: Set(held.map(\.name))) }

    /// Hands out the oldest record that nobody holds, from this process or another; nil if there is none now.
    ///
    /// The record is out until ``settle(_:)`` or ``giveBack(_:)``.
    package func next() -> (record: SpoolRecord, place: SpoolPlace)? {
        while true {
            for segment in held where segment !== writing {
                if let found = next(in: segment) { return found }
            }
            if takeNext() { continue }
            return writing.flatMap(next)
        }
    }

    private func next(in segment: SpoolSegment) -> (record: SpoolRecord, place: SpoolPlace)? {
        if let entry = segment.next(oldest: limits.oldestCapture(at: now())) {
            let events = entry.record.eventCount
            let place = SpoolPlace(segment: segment, offset: entry.offset, events: events, isSplit: entry.isSplit)
            return (entry.record, place)
        }
        tidy(segment)
        return nil
    }

    /// - Returns: whether another segment is held now.
    private func takeNext() -> Bool {
        guard held.count < Self.maximumHeld else { return false }
        while let name = segments.nextName() {
            if !held.contains(where: { $0.name == name }), take(name) != nil { return true }
        }
        return false
    }

    private func take(_ name: String, _ listing: SpoolDirectory.Listing? = nil) -> SpoolSegment? {
        guard let segment = segments.take(name, listing) else { return nil }
        held.append(segment)
        return segment
    }

    // MARK: Settling

    /// Settles a handed-out record that was delivered or given up; it is not handed out again.
    package func settle(_ place: SpoolPlace) {
        place.segment.settle(place.offset, events: place.events)
        tidy(place.segment)
    }

    /// Returns a handed-out record, so that this process or another can take it again.
    package func giveBack(_ place: SpoolPlace) { place.segment.giveBack(place.offset) }

    /// Resets or removes a segment that has nothing left.
    private func tidy(_ segment: SpoolSegment) {
        guard segment.isSpent else { return }
        if segment === writing {
            let (bytes, losses, lost) = (segment.end, segment.losses, segment.ownPending)
            guard bytes > SpoolFormat.fileHeaderBytes, segment.reset() else { return }
            segments.totalBytes -= bytes
            counts.add(losses)
            counts.lostEvents += lost
        } else {
            remove(segment)
        }
    }

    /// Deletes a segment and its records.
    @discardableResult
    private func remove(_ segment: SpoolSegment) -> Bool {
        counts.add(segment.losses)
        counts.lostEvents += segment.ownPending
        counts.lostOfOthers += segment.readyOfOthers
        segments.countTaken(from: segment)
        let isRemoved = segment.file.remove()
        drop(segment)
        if !isRemoved { segments.avoid(segment.name) }
        return isRemoved
    }

    /// Releases a segment, so that other processes, or this object, can take it.
    private func release(_ segment: SpoolSegment) {
        segments.putBack(segment)
        drop(segment)
    }

    private func drop(_ segment: SpoolSegment) {
        if segment === writing { writing = nil }
        held.removeAll { $0 === segment }
        segment.file.close()
    }

    // MARK: Closing

    /// Closes all files unless a segment is in use; the next call opens them again.
    package func rest() {
        if let writing, writing.isSpent { remove(writing) }
        if held.isEmpty { segments.close() }
    }

    /// Releases all segments; their records are left to the next process.
    package func close() {
        for segment in held {
            if segment.isSpent { remove(segment) } else { release(segment) }
        }
        segments.close()
    }
}
