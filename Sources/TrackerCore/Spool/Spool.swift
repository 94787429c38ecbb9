import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Events on disk that could not be delivered yet, in a directory that several processes may share.
///
/// Records are appended to segment files. A process holds the one it writes to by a lock that its death releases, so a
/// segment that nobody holds can be claimed, delivered and removed by any process; its last record may be torn when
/// the writer was killed, the others are whole. A record is stored when the system has taken all of it: a kill cannot
/// undo that, a power failure can unless `synchronizes` is set.
///
/// All methods may be called from any thread and block for file operations only, never for another process.
package final class Spool: Sendable {
    package let path: String
    private let limits: SpoolLimits
    private let synchronizes: Bool
    private let now: @Sendable () -> UInt64
    /// Replaced when the path leads to another directory than before.
    private let currentDirectory: Mutex<SpoolDirectory>
    /// Held across writes on purpose: it is what keeps two threads' records apart in one file.
    private let writer = Mutex(SpoolWriter())
    private let ledger: Mutex<SpoolLedger>
    private let process = Atomic<Int32>(getpid())

    private static let maximumCorruptFiles = 8
    /// How many of the newest segments are tried before a new one is made.
    private static let maximumContinued = 4
    /// How many new segments may be snatched away before they are locked; others look all the time, but briefly.
    private static let maximumNewNames = 200

    /// - Parameters:
    ///   - directory: created with mode 0700, and its parents, if missing. It must belong to the user the process runs
    ///     as; if it is open to others, its mode is changed to 0700.
    ///   - synchronizes: wait at each append until the disk has it. Slow.
    ///   - now: nanoseconds since 1970.
    package init(
        directory: String, limits: SpoolLimits = .init(), synchronizes: Bool = false,
        now: @escaping @Sendable () -> UInt64 = SystemClock.epochNanoseconds
    ) throws(SpoolError) {
        let opened = try SpoolDirectory(path: directory)
        path = opened.path
        self.limits = limits.effective
        self.synchronizes = synchronizes
        self.now = now
        currentDirectory = Mutex(opened)
        ledger = Mutex(SpoolLedger())
    }

    deinit {
        writer.withLock { $0.seal() }
    }

    // MARK: Writing

    /// Stores records in their order. Never throws: what cannot be stored is dropped and counted.
    package func append(_ records: [SpoolRecord]) -> SpoolAppendResult {
        noticeFork()
        let result = writer.withLock { writer in
            withoutActuallyEscaping(openSegment) { openSegment in
                writer.append(
                    records,
                    .init(
                        limits: limits, synchronizes: synchronizes, openSegment: openSegment, makeRoom: makeRoom,
                        stored: { count, name, range in
                            self.ledger.withLock { $0.stored(count, in: name, range: range) }
                        }))
            }
        }
        ledger.withLock { $0.appended(result) }
        return result
    }

    /// Gives up the segment that is being written, so that this process or another can claim it.
    ///
    /// The next append continues it or starts another. To be called at shutdown; the end of the process does the same.
    package func seal() {
        writer.withLock { $0.seal() }
    }

    // MARK: Reading

    /// The oldest segment that nobody holds and that has something to deliver; nil if there is none now.
    ///
    /// The segment that this object is writing is held too, until `seal()`.
    package func claim() -> SpoolClaim? {
        noticeFork()
        guard let directory = directory(), let listing = list(directory) else { return nil }
        for entry in listing.segments where !ledger.withLock({ $0.avoids(entry.name) }) {
            guard let (file, segment) = take(entry, in: directory, listing) else { continue }
            if segment.pending.isEmpty {
                remove(file, losses: segment.losses)
            } else {
                return SpoolClaim(file: file, segment: segment, spool: self)
            }
        }
        return nil
    }

    /// Reads the directory, so that the sizes are of now.
    package var statistics: SpoolStatistics {
        noticeFork()
        let listing = directory().flatMap(list)
        var statistics = ledger.withLock { $0.statistics }
        statistics.pendingSegments = listing?.segments.count ?? 0
        statistics.pendingBytes = listing?.totalBytes ?? 0
        return statistics
    }

    /// Events this object stored that were lost afterwards, so far. Does not touch the disk.
    package var lostEvents: Int { ledger.withLock { $0.statistics.lostEvents } }

    // MARK: For claims

    /// A held segment's contents, sorted by what is to be done with them.
    struct Segment {
        var pending: [SpoolSegmentContents.Entry] = []
        var areOwn: [Bool] = []
        var losses = SpoolLosses()
    }

    func delivered(_ count: Int, in name: String) {
        guard count > 0 else { return }
        ledger.withLock { $0.delivered(count, in: name) }
    }

    @discardableResult
    func remove(_ file: SpoolSegmentFile, losses: SpoolLosses) -> Bool {
        // Before the file goes, so that a listing in between cannot take it for taken by others.
        ledger.withLock { $0.removing(file.name, losses: losses) }
        let isRemoved = file.remove()
        if !isRemoved {
            ledger.withLock { $0.avoid(file.name) }
        } else if synchronizes {
            file.directory.synchronize()
        }
        return isRemoved
    }

    // MARK: Segments

    /// A segment to append to: one of the newest that have room, or a new one.
    ///
    /// Continuing matters for CGI, where each process stores an event or two: a file for each would soon be tens of
    /// thousands. Whatever tear the last writer left at the end stays there; readers pass over it.
    private func openSegment(
        needed: Int
    ) -> (Result<SpoolSegmentFile, SystemError>, total: Int) {
        guard let directory = directory() else { return (.failure(SystemError(call: "openat", code: ENOENT)), 0) }
        guard let listing = list(directory) else { return (.failure(SystemError(call: "readdir")), 0) }
        let roomy = listing.segments.reversed().lazy.filter { [limits] in
            $0.bytes >= SpoolFormat.fileHeaderBytes && $0.bytes <= limits.maximumSegmentBytes - needed
        }
        for entry in roomy.prefix(Self.maximumContinued) {
            guard case .held(let file) = SpoolSegmentFile.open(entry.name, in: directory),
                let start = file.read(count: SpoolFormat.fileHeaderBytes),
                start.withUnsafeBytes(SpoolFormat.readHeader) == .current
            else { continue }
            return (.success(file), listing.totalBytes)
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
                if synchronizes { directory.synchronize() }
                return (.success(file), listing.totalBytes)
            case .unavailable: continue
            case .failed(let error):
                failure = error
                if error.code != EEXIST { return (.failure(error), listing.totalBytes) }
            }
        }
        return (.failure(failure), listing.totalBytes)
    }

    /// Deletes the oldest segments that nobody holds until `needed` bytes fit.
    private func makeRoom(
        for needed: Int, keeping kept: SpoolSegmentFile?, _ result: inout SpoolAppendResult
    ) -> Int? {
        guard let directory = directory(), let listing = list(directory) else { return nil }
        var total = listing.totalBytes
        for entry in listing.segments where total > limits.maximumBytes - needed {
            guard entry.name != kept?.name, !ledger.withLock({ $0.avoids(entry.name) }),
                let (file, segment) = take(entry, in: directory, listing), remove(file, losses: segment.losses)
            else { continue }
            total -= entry.bytes
            result.evictedSegments += 1
            result.evictedEvents += segment.pending.reduce(0) { $0 + $1.record.eventCount }
        }
        return total <= limits.maximumBytes - needed ? total : nil
    }

    /// Holds and reads a segment. A file that is none is set aside, or left alone from now on.
    private func take(
        _ entry: SpoolDirectory.Entry, in directory: SpoolDirectory, _ listing: SpoolDirectory.Listing
    ) -> (SpoolSegmentFile, Segment)? {
        guard case .held(let file) = SpoolSegmentFile.open(entry.name, in: directory),
            let size = file.sizeIfLinked
        else { return nil }
        // A file that cannot be a segment is judged by its beginning alone.
        let isPlausible = size <= SpoolFormat.maximumFileBytes
        guard let bytes = file.read(count: isPlausible ? size : SpoolFormat.fileHeaderBytes) else { return nil }
        let header = bytes.withUnsafeBytes(SpoolFormat.readHeader)
        if header == .current, isPlausible {
            return (file, sort(bytes.withUnsafeBytes(SpoolSegmentReader.read), name: entry.name))
        }
        if header == .unfinished, size < SpoolFormat.fileHeaderBytes {
            var segment = Segment()
            segment.losses.torn = size > 0 ? 1 : 0
            return (file, segment)
        }
        guard header != .otherVersion else {
            ledger.withLock { $0.avoid(entry.name) }
            return nil
        }
        let isAside = listing.corruptCount < Self.maximumCorruptFiles && file.setAside()
        ledger.withLock {
            $0.foundCorruptSegment()
            if !isAside { $0.avoid(entry.name) }
        }
        return nil
    }

    private func sort(_ contents: SpoolSegmentContents, name: String) -> Segment {
        var segment = Segment()
        segment.losses.corrupt = contents.corrupt
        segment.losses.torn = contents.torn
        let time = now()
        let oldest = time - min(time, limits.maximumAgeNanoseconds)
        for entry in contents.entries where !entry.isDelivered {
            if entry.record.capturedAt < oldest {
                segment.losses.expired += 1
            } else {
                segment.pending.append(entry)
            }
        }
        segment.areOwn = ledger.withLock { ledger in
            segment.pending.map { ledger.isOwn(offset: $0.offset, in: name) }
        }
        return segment
    }

    // MARK: The directory

    /// The directory at the path; opened anew, or made anew, if it was replaced or deleted. nil while it cannot be.
    private func directory() -> SpoolDirectory? {
        currentDirectory.withLock { directory in
            if directory.isInPlace { return directory }
            guard let opened = try? SpoolDirectory(path: path) else { return nil }
            directory = opened
            return opened
        }
    }

    private func list(_ directory: SpoolDirectory) -> SpoolDirectory.Listing? {
        let known = ledger.withLock { $0.ownNames }
        guard let listing = directory.list() else { return nil }
        let present = Set(listing.segments.map(\.name))
        ledger.withLock { $0.reconcile(known: known, present: present) }
        return listing
    }

    /// A child that a fork made starts with nothing of its own; its parent keeps the segment.
    private func noticeFork() {
        let current = getpid()
        guard process.exchange(current, ordering: .relaxed) != current else { return }
        ledger.withLock { $0.forget() }
    }
}
