#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Parcels on disk, in a directory that several processes may share. Used by one thread.
///
/// Records are appended to segment files. A process holds the one it writes to by a lock that its death releases, so a
/// segment that nobody holds can be taken, delivered and removed by any process; its last record may be torn when the
/// writer was killed, the others are whole. A record is stored when the system has taken all of it: a kill cannot undo
/// that, a power failure can.
///
/// Every call blocks for file operations only, never for another process. While there is nothing on disk, no file is
/// open.
package final class Spool {
    package let path: String
    private let limits: SpoolLimits
    private let now: () -> UInt64
    /// nil while it is not needed, or can't be opened.
    private var opened: SpoolDirectory?
    /// Segments that are held; the one that is written is among them.
    private var held: [SpoolSegment] = []
    private var writing: SpoolSegment?
    /// Names of the last listing that were not looked at, the oldest last.
    private var names: [String] = []
    /// What this object wrote into segments that it has let go of.
    private var released: [String: SpoolSegment.Own] = [:]
    /// Names that are not worth opening again: no segments inside, or impossible to remove.
    private var avoided: Set<String> = []
    /// The bytes in the directory as last seen, and what was written since.
    private var totalBytes = 0
    private var bytesSinceListing = 0
    private var counts = SpoolStatistics()

    private static let maximumCorruptFiles = 8
    /// How many of the newest segments are tried before a new one is made.
    private static let maximumContinued = 4
    /// How many new segments may be snatched away before they are locked; others look all the time, but briefly.
    private static let maximumNewNames = 200
    private static let maximumAvoided = 1_024
    /// Segments that are held at a time; each takes a descriptor.
    private static let maximumHeld = 64

    /// - Parameters:
    ///   - directory: created with mode 0700, and its parents, if missing. It must belong to the user the process runs
    ///     as; if it is open to others, its mode is changed to 0700.
    ///   - now: nanoseconds since 1970.
    package init(
        directory: String, limits: SpoolLimits = .init(), now: @escaping () -> UInt64 = SystemClock.epochNanoseconds
    ) throws(SpoolError) {
        let opened = try SpoolDirectory(path: directory)
        path = opened.path
        self.limits = limits.effective
        self.now = now
        self.opened = opened
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
        var batch = Batch()
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
            // After a failure the rest is not tried: a batch should not meet a full disk record by record.
            if failure == nil, let writing, writing.end + batch.bytes.count + size > limits.maximumSegmentBytes,
                writing.end + batch.bytes.count > SpoolFormat.fileHeaderBytes
            {
                failure = flush(&batch, records, areOut, &places, &result)
                finishWriting()
            }
            if failure == nil, writing == nil { failure = openForWriting(size) }
            if let failure {
                result.refuse(record.eventCount, because: failure)
            } else if !makeRoom(for: batch.bytes.count + size, &result) {
                result.spoolFull += record.eventCount
            } else {
                SpoolFormat.append(record, to: &batch.bytes)
                batch.ends.append(batch.bytes.count)
                batch.indices.append(index)
            }
        }
        if failure == nil { _ = flush(&batch, records, areOut, &places, &result) }
        counts.storedEvents += result.stored
        counts.evictedSegments += result.evictedSegments
        counts.evictedEvents += result.evictedEvents
        return (places, result)
    }

    private struct Batch {
        var bytes: [UInt8] = []
        /// Where each record ends, and which of the caller's it is.
        var ends: [Int] = []
        var indices: [Int] = []
    }

    /// Writes what is gathered in one go. Whole records that went in before a failure stay and count as stored.
    private func flush(
        _ batch: inout Batch, _ records: [SpoolRecord], _ areOut: Bool, _ places: inout [SpoolPlace?],
        _ result: inout SpoolAppendResult
    ) -> SystemError? {
        defer { batch = Batch() }
        guard let writing, !batch.ends.isEmpty else { return nil }
        let (whole, failure) = writing.write(batch.bytes, ends: batch.ends)
        var start = 0
        for (end, index) in zip(batch.ends, batch.indices) {
            let events = records[index].eventCount
            if end <= whole {
                let offset = writing.append(bytes: end - start, events: events, isOut: areOut)
                places[index] = SpoolPlace(segment: writing, offset: offset, events: events)
                result.stored += events
            } else if let failure {
                result.refuse(events, because: failure)
            }
            start = end
        }
        totalBytes += whole
        bytesSinceListing += whole
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

    /// A segment to append to: one of the newest that have room, or a new one.
    ///
    /// Continuing matters for CGI, where each process stores an event or two: a file for each would soon be tens of
    /// thousands.
    private func openForWriting(_ needed: Int) -> SystemError? {
        guard let directory = directory() else { return SystemError(call: "openat", code: ENOENT) }
        guard let listing = list(directory) else { return SystemError(call: "readdir") }
        let roomy = listing.segments.reversed().lazy.filter { [limits] in
            $0.bytes >= SpoolFormat.fileHeaderBytes && $0.bytes <= limits.maximumSegmentBytes - needed
        }
        for entry in roomy.prefix(Self.maximumContinued) {
            guard case .held(let file) = SpoolSegmentFile.open(entry.name, in: directory),
                let start = file.read(count: SpoolFormat.fileHeaderBytes),
                start.withUnsafeBytes(SpoolFormat.readHeader) == .current, let size = file.sizeIfLinked
            else { continue }
            hold(SpoolSegment(file, size: size, own: released.removeValue(forKey: entry.name)), forWriting: true)
            return nil
        }
        // A name can be taken, and a new file can be claimed and removed before it is locked; not again and again.
        var failure = SystemError(call: "openat", code: EEXIST)
        for _ in 0..<Self.maximumNewNames {
            let name = SpoolSegmentName.make(
                nanoseconds: now(), process: UInt32(bitPattern: getpid()), random: .random(in: 0...UInt32.max))
            switch SpoolSegmentFile.open(name, in: directory, creates: true) {
            case .held(let file):
                // Somebody continued it before it was locked, and is gone again: it is an old segment now.
                if file.sizeIfLinked != 0 { continue }
                hold(SpoolSegment(file, size: 0, own: nil), forWriting: true)
                return nil
            case .unavailable: continue
            case .failed(let error):
                failure = error
                if error.code != EEXIST { return error }
            }
        }
        return failure
    }

    private func hold(_ segment: SpoolSegment, forWriting: Bool = false) {
        held.append(segment)
        if forWriting { writing = segment }
    }

    // MARK: Room

    /// Keeps the directory's size limit by deleting the oldest segments; false if nothing more can be deleted.
    private func makeRoom(for needed: Int, _ result: inout SpoolAppendResult) -> Bool {
        // Others write too, so the sum is only good for a while.
        if totalBytes + needed <= limits.maximumBytes,
            bytesSinceListing + needed <= limits.maximumSegmentBytes / 8 || bytesSinceListing == 0
        {
            return true
        }
        guard let directory = directory(), let listing = list(directory) else { return false }
        for entry in listing.segments where totalBytes + needed > limits.maximumBytes {
            guard let segment = held.first(where: { $0.name == entry.name }) ?? take(entry.name, in: directory, listing)
            else {
                // What turned out to be no segment does not count.
                if avoided.contains(entry.name) || !directory.exists(entry.name) { totalBytes -= entry.bytes }
                continue
            }
            guard segment !== writing, !segment.hasOut else { continue }
            segment.scan(oldest: oldestCapture)
            let events = segment.readyEvents
            guard remove(segment) else { continue }
            totalBytes -= entry.bytes
            result.evictedSegments += 1
            result.evictedEvents += events
        }
        return totalBytes + needed <= limits.maximumBytes
    }

    // MARK: Reading

    /// Whether ``next()`` may find something without a look at the directory.
    package var mayHaveMore: Bool { !names.isEmpty || held.contains { $0.mayHaveReady } }

    /// Lists the directory, for what other processes left there.
    package func look() {
        guard let directory = directory(), let listing = directory.list(bytesCounted: false) else { return }
        let holding = Set(held.map(\.name))
        names = listing.segments.reversed().map(\.name).filter { !avoided.contains($0) && !holding.contains($0) }
        forgetNames(Set(listing.segments.map(\.name)))
    }

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
        guard held.count < Self.maximumHeld, !names.isEmpty, let directory = directory() else { return false }
        while let name = names.popLast() {
            guard !held.contains(where: { $0.name == name }), take(name, in: directory) != nil else { continue }
            return true
        }
        return false
    }

    /// Holds a segment. A file that is none is set aside, or left alone from now on.
    private func take(
        _ name: String, in directory: SpoolDirectory, _ listing: SpoolDirectory.Listing? = nil
    ) -> SpoolSegment? {
        guard !avoided.contains(name), case .held(let file) = SpoolSegmentFile.open(name, in: directory),
            let size = file.sizeIfLinked, let start = file.read(count: SpoolFormat.fileHeaderBytes)
        else { return nil }
        // A file that cannot be a segment is judged by its beginning alone.
        let isPlausible = size <= SpoolFormat.maximumFileBytes
        switch start.withUnsafeBytes(SpoolFormat.readHeader) {
        case .current where isPlausible, .unfinished where size < SpoolFormat.fileHeaderBytes:
            let segment = SpoolSegment(file, size: size, own: released.removeValue(forKey: name))
            hold(segment)
            return segment
        case .otherVersion:
            counts.corruptSegments += 1
            avoid(name)
        case .current, .unfinished, .foreign:
            counts.corruptSegments += 1
            let asideCount = listing?.corruptCount ?? directory.list(bytesCounted: false)?.corruptCount ?? .max
            if asideCount >= Self.maximumCorruptFiles || !file.setAside() { avoid(name) }
        }
        return nil
    }

    private func avoid(_ name: String) {
        if avoided.count < Self.maximumAvoided { avoided.insert(name) }
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
            if bytes > SpoolFormat.fileHeaderBytes, segment.reset() { totalBytes -= bytes }
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
        drop(segment)
        let isRemoved = segment.file.remove()
        segment.file.close()
        if !isRemoved { avoid(segment.name) }
        return isRemoved
    }

    /// Lets others take the segment, and this object too.
    private func letGo(of segment: SpoolSegment) {
        if let own = segment.own { released[segment.name] = own }
        names.insert(segment.name, at: 0)
        drop(segment)
        segment.file.close()
    }

    private func drop(_ segment: SpoolSegment) {
        if segment === writing { writing = nil }
        held.removeAll { $0 === segment }
    }

    // MARK: Ending

    /// Closes all files if nothing is on its way; the next call opens them again.
    package func rest() {
        if let writing, writing.isSpent { remove(writing) }
        if held.isEmpty { opened = nil }
    }

    /// Leaves everything on disk to whoever comes next.
    package func close() {
        for segment in held {
            if segment.isSpent { remove(segment) } else { letGo(of: segment) }
        }
        names = []
        opened = nil
    }

    // MARK: Counts

    /// Own events on disk that were lost, and damage, so far. Does not touch the disk.
    package var losses: SpoolStatistics { counts }

    /// Reads the directory, so that the sizes are of now.
    package var statistics: SpoolStatistics {
        let listing = directory().flatMap(list)
        var statistics = counts
        statistics.pendingEvents =
            held.reduce(0) { $0 + $1.ownPending } + released.values.reduce(0) { $0 + $1.pending }
        statistics.pendingSegments = listing?.segments.count ?? 0
        statistics.pendingBytes = listing?.totalBytes ?? 0
        return statistics
    }

    // MARK: The directory

    /// The directory at the path; opened anew, or made anew, if it was replaced or deleted. nil while it cannot be.
    private func directory() -> SpoolDirectory? {
        if let opened, opened.isInPlace { return opened }
        opened = try? SpoolDirectory(path: path)
        return opened
    }

    /// Lists the directory with sizes. What is no segment for sure does not count.
    private func list(_ directory: SpoolDirectory) -> SpoolDirectory.Listing? {
        guard var listing = directory.list(bytesCounted: true) else { return nil }
        forgetNames(Set(listing.segments.map(\.name)))
        listing.segments.removeAll { entry in
            guard avoided.contains(entry.name) else { return false }
            listing.totalBytes -= entry.bytes
            return true
        }
        totalBytes = listing.totalBytes
        bytesSinceListing = 0
        return listing
    }

    /// Segments that another process took over are not this one's any more.
    private func forgetNames(_ present: Set<String>) {
        for (name, own) in released where !present.contains(name) {
            released[name] = nil
            counts.takenByOthers += own.pending
        }
        avoided.formIntersection(present)
    }
}
