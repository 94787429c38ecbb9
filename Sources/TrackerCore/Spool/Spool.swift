/// Parcels on disk, in a directory that several processes may share. Used by one thread.
///
/// Records are appended to segment files. A process holds the one it writes to by a lock that its death releases, so a
/// segment that nobody holds can be taken, delivered and removed by any process; its last record may be torn when the
/// writer was killed, the others are whole. A record is stored when the system has taken all of it: a kill cannot undo
/// that, a power failure can.
///
/// Calls never wait for another process. While there is nothing on disk, no file is open.
package final class Spool {
    package let path: String
    private let limits: SpoolLimits
    private let now: () -> UInt64
    let shelf: SpoolShelf
    /// Segments that are held; the one that is written is among them.
    private(set) var held: [SpoolSegment] = []
    private var writing: SpoolSegment?
    private(set) var counts = SpoolStatistics()

    /// Segments that are held at a time; each takes a descriptor.
    private static let maximumHeld = 64

    /// - Parameters:
    ///   - directory: created with mode 0700, and its parents, if missing. It must belong to the user the process runs
    ///     as; if it is open to others, its mode is changed to 0700.
    ///   - now: nanoseconds since 1970.
    package init(
        directory: String, limits: SpoolLimits = .init(), now: @escaping () -> UInt64 = SystemClock.epochNanoseconds
    ) throws(SpoolError) {
        shelf = try SpoolShelf(directory: directory, limits: limits.effective, now: now)
        path = shelf.path
        self.limits = limits.effective
        self.now = now
    }

    // MARK: Writing

    /// Stores records in their order. Never throws: what cannot be stored stays with the caller.
    ///
    /// - Parameter areOut: whether the caller goes on to deliver the records; else they are handed out by ``next()``.
    /// - Returns: where each record lies; nil for one that was refused.
    package func append(
        _ records: [SpoolRecord], areOut: Bool = false
    ) -> (places: [SpoolPlace?], result: SpoolAppendResult) {
        var places = [SpoolPlace?](repeating: nil, count: records.count)
        var result = SpoolAppendResult()
        var batch = SpoolBatch()
        var failure: SystemError?
        if let writing, writing.file.sizeIfLinked == nil { letGo(of: writing) }
        for (index, record) in records.enumerated() {
            let size = SpoolFormat.encodedBytes(of: record)
            guard record.body.count <= limits.maximumBodyBytes,
                size <= limits.maximumBytes - SpoolFormat.fileHeaderBytes
            else {
                result.tooLarge += record.eventCount
                continue
            }
            // After a failure the rest is not tried.
            if failure == nil, let writing, writing.end + batch.bytes.count + size > limits.maximumSegmentBytes,
                writing.end + batch.bytes.count > SpoolFormat.fileHeaderBytes
            {
                failure = flush(&batch, records, areOut, &places, &result)
                finishWriting()
            }
            if failure == nil, writing == nil {
                switch shelf.openForWriting(size) {
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

    /// Writes what is gathered in one go. Whole records that went in before a failure stay and count as stored.
    private func flush(
        _ batch: inout SpoolBatch, _ records: [SpoolRecord], _ areOut: Bool, _ places: inout [SpoolPlace?],
        _ result: inout SpoolAppendResult
    ) -> SystemError? {
        defer { batch = SpoolBatch() }
        guard let writing, !batch.isEmpty else { return nil }
        let (whole, failure) = batch.write(to: writing, records, areOut, &places, &result)
        shelf.wrote(whole)
        // A file that failed is not trusted with the next append.
        if failure != nil { finishWriting() }
        return failure
    }

    /// Ends writing to the present segment; the next append continues another or makes one.
    private func finishWriting() {
        guard let segment = writing else { return }
        writing = nil
        if segment.isSpent {
            remove(segment)
        } else if !segment.hasOut {
            letGo(of: segment)
        }
    }

    // MARK: Room

    /// Keeps the directory's size limit by deleting the oldest segments; false if nothing more can be deleted.
    private func makeRoom(
        for needed: Int, _ result: inout SpoolAppendResult
    ) -> Result<Bool, SystemError> {
        if shelf.hasRoom(for: needed) { return .success(true) }
        guard let listing = shelf.list() else { return .failure(SystemError(call: "readdir")) }
        for entry in listing.segments where shelf.totalBytes + needed > limits.maximumBytes {
            guard let segment = held.first(where: { $0.name == entry.name }) ?? take(entry.name, listing) else {
                // What turned out to be no segment does not count.
                if !shelf.counts(entry.name) { shelf.totalBytes -= entry.bytes }
                continue
            }
            guard segment !== writing, !segment.hasOut else { continue }
            segment.scan(oldest: oldestCapture)
            let events = segment.readyEvents
            guard remove(segment) else { continue }
            shelf.totalBytes -= entry.bytes
            result.evictedSegments += 1
            result.evictedEvents += events
        }
        return .success(shelf.totalBytes + needed <= limits.maximumBytes)
    }

    // MARK: Reading

    /// Whether ``next()`` may find something without a look at the directory.
    package var mayHaveMore: Bool { shelf.hasNames || held.contains { $0.mayHaveReady } }

    /// Lists the directory, for what other processes left there.
    package func look() { shelf.look(holding: Set(held.map(\.name))) }

    /// Hands out the oldest record that nobody holds, of this process or another; nil if there is none now.
    ///
    /// It is out until ``settle(_:)`` or ``giveBack(_:)``.
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
        if let entry = segment.next(oldest: oldestCapture) {
            let record = entry.record
            return (
                record,
                SpoolPlace(
                    segment: segment, offset: entry.offset, events: record.eventCount, isSplit: entry.isSplit)
            )
        }
        tidy(segment)
        return nil
    }

    /// - Returns: whether another segment is held now.
    private func takeNext() -> Bool {
        guard held.count < Self.maximumHeld else { return false }
        while let name = shelf.nextName() {
            if !held.contains(where: { $0.name == name }), take(name) != nil { return true }
        }
        return false
    }

    private func take(_ name: String, _ listing: SpoolDirectory.Listing? = nil) -> SpoolSegment? {
        guard let segment = shelf.take(name, listing) else { return nil }
        held.append(segment)
        return segment
    }

    private var oldestCapture: UInt64 {
        let time = now()
        return time - min(time, limits.maximumAgeNanoseconds)
    }

    // MARK: Settling

    /// A record that was handed out is delivered, or will never be: it is not handed out again.
    package func settle(_ place: SpoolPlace) {
        place.segment.settle(place.offset, events: place.events)
        tidy(place.segment)
    }

    /// A record that was handed out is to be handed out again, to this process or another.
    package func giveBack(_ place: SpoolPlace) { place.segment.giveBack(place.offset) }

    /// Ends a segment of which nothing is left.
    private func tidy(_ segment: SpoolSegment) {
        guard segment.isSpent else { return }
        if segment === writing {
            let bytes = segment.end
            if bytes > SpoolFormat.fileHeaderBytes, segment.reset() { shelf.totalBytes -= bytes }
        } else {
            remove(segment)
        }
    }

    /// Deletes a segment with what it holds.
    @discardableResult
    private func remove(_ segment: SpoolSegment) -> Bool {
        counts.corruptRecords += segment.losses.corrupt
        counts.tornRecords += segment.losses.torn
        counts.expiredRecords += segment.losses.expired
        counts.lostEvents += segment.ownPending
        let isRemoved = segment.file.remove()
        drop(segment)
        if !isRemoved { shelf.avoid(segment.name) }
        return isRemoved
    }

    /// Lets others take the segment, and this object too.
    private func letGo(of segment: SpoolSegment) {
        shelf.putBack(segment)
        drop(segment)
    }

    private func drop(_ segment: SpoolSegment) {
        if segment === writing { writing = nil }
        held.removeAll { $0 === segment }
        segment.file.close()
    }

    // MARK: Ending

    /// Closes all files if nothing is on its way; the next call opens them again.
    package func rest() {
        if let writing, writing.isSpent { remove(writing) }
        if held.isEmpty { shelf.close() }
    }

    /// Leaves everything on disk to whoever comes next.
    package func close() {
        for segment in held {
            if segment.isSpent { remove(segment) } else { letGo(of: segment) }
        }
        shelf.close()
    }
}
