import CLibrary

/// Tracks the spool's directory: the segments that can be taken, their total size, and the names to avoid.
final class SegmentIndex {
    let path: String
    private let limits: SpoolLimits
    private let now: () -> UInt64
    /// nil while it is not needed or can't be opened.
    private var opened: SpoolDirectory?
    /// Listed names not tried yet, the oldest last.
    private var names: [String] = []
    /// Own records in segments that this object has released.
    private var released: [String: SpoolSegment.Own] = [:]
    /// Names not worth opening again: not segments, or impossible to remove.
    private var avoided: Set<String> = []
    /// The bytes in the directory as last listed plus those written since, and the latter alone.
    var totalBytes = 0
    private var bytesSinceListing = 0
    /// Files with a segment's name that are not segments.
    private(set) var foreignFiles = 0
    /// Own events in segments that another process took.
    private(set) var takenByOthers = 0

    private static let maximumCorruptFiles = 8
    /// How many of the newest segments to try before creating a new one.
    private static let maximumContinued = 4
    /// How many names to try for a new segment: one can be taken, or removed while its creator was stalled.
    private static let maximumNewNames = 8
    /// Nanoseconds after which a segment that is not locked is a leftover: its creator died, or will fail to rename it
    /// and create another.
    private static let unlockedPatience: UInt64 = 10_000_000_000
    private static let maximumAvoided = 1_024

    init(directory: String, limits: SpoolLimits, now: @escaping () -> UInt64) throws(SpoolError) {
        let opened = try SpoolDirectory(path: directory)
        path = opened.path
        self.limits = limits
        self.now = now
        self.opened = opened
    }

    // MARK: Names

    var hasNames: Bool { !names.isEmpty }

    func nextName() -> String? { names.popLast() }

    /// Lists the directory to find what other processes left there.
    ///
    /// - Parameter holding: names to skip.
    func look(holding: Set<String>) {
        guard let directory = directory(), let listing = directory.list(bytesCounted: false) else { return }
        for name in listing.unlocked where isLeftover(name) { directory.remove(name) }
        names = listing.segments.reversed().map(\.name).filter { !avoided.contains($0) && !holding.contains($0) }
        forgetNames(Set(listing.segments.map(\.name)))
    }

    /// Whether an unlocked segment's creator has had enough time, or the clock was set back since.
    private func isLeftover(_ name: String) -> Bool {
        guard let made = SpoolSegmentName.nanoseconds(of: name) else { return false }
        let time = now()
        return max(time, made) - min(time, made) > Self.unlockedPatience
    }

    /// Makes a released segment available again, to other processes too.
    func putBack(_ segment: SpoolSegment) {
        takenByOthers += segment.takenByOthers
        if let own = segment.own { released[segment.name] = own }
        names.insert(segment.name, at: 0)
    }

    /// Counts the events that other processes delivered from a segment that is deleted now.
    func countTaken(from segment: SpoolSegment) { takenByOthers += segment.takenByOthers }

    /// Own events in released segments.
    var ownPending: Int { released.values.reduce(0) { $0 + $1.pending } }

    /// Whether a file counts against the size limit.
    func counts(_ name: String) -> Bool { !avoided.contains(name) && opened?.exists(name) ?? true }

    func close() {
        names = []
        opened = nil
    }

    // MARK: Segments

    /// Takes and locks a segment. A file that is not a segment is set aside, or avoided from now on.
    func take(_ name: String, _ listing: SpoolDirectory.Listing?) -> SpoolSegment? {
        guard let directory = directory(), !avoided.contains(name),
            let file = SpoolSegmentFile.open(name, in: directory),
            let size = file.sizeIfLinked, let start = file.read(count: SpoolFormat.fileHeaderBytes)
        else { return nil }
        // Its size and first bytes are enough to reject a file that is not a segment.
        let isPlausible = size <= SpoolFormat.maximumFileBytes
        switch start.withUnsafeBytes(SpoolFormat.readHeader) {
        case .current where isPlausible, .unfinished where size < SpoolFormat.fileHeaderBytes:
            return SpoolSegment(file, size: size, own: released.removeValue(forKey: name))
        case .otherVersion:
            foreignFiles += 1
            avoid(name)
        case .current, .unfinished, .foreign:
            foreignFiles += 1
            let asideCount =
                listing?.corruptCount ?? directory.list(bytesCounted: false)?.corruptCount ?? .max
            if asideCount >= Self.maximumCorruptFiles || !file.setAside() { avoid(name) }
        }
        return nil
    }

    func avoid(_ name: String) {
        if avoided.count < Self.maximumAvoided { avoided.insert(name) }
    }

    /// Opens a segment to append to: one of the newest that have room, or a new one.
    ///
    /// Continuing a segment matters for CGI, where each process stores an event or two: one file for each would soon
    /// make tens of thousands.
    func openForWriting(_ needed: Int) -> Result<SpoolSegment, SystemError> {
        guard let directory = directory() else { return .failure(SystemError(call: "openat", code: ENOENT)) }
        guard let listing = list() else { return .failure(SystemError(call: "readdir")) }
        let roomy = listing.segments.reversed().lazy.filter { [limits] in
            $0.bytes >= SpoolFormat.fileHeaderBytes && $0.bytes <= limits.maximumSegmentBytes - needed
        }
        for entry in roomy.prefix(Self.maximumContinued) {
            guard let file = SpoolSegmentFile.open(entry.name, in: directory),
                let start = file.read(count: SpoolFormat.fileHeaderBytes),
                start.withUnsafeBytes(SpoolFormat.readHeader) == .current, let size = file.sizeIfLinked
            else { continue }
            return .success(SpoolSegment(file, size: size, own: released.removeValue(forKey: entry.name)))
        }
        var failure = SystemError(call: "openat", code: EEXIST)
        for _ in 0..<Self.maximumNewNames {
            let name = SpoolSegmentName.make(
                nanoseconds: now(), process: UInt32(bitPattern: getpid()), random: .random(in: 0...UInt32.max))
            switch SpoolSegmentFile.create(name, in: directory) {
            case .success(let file): return .success(SpoolSegment(file, size: 0, own: nil))
            case .failure(let error):
                failure = error
                if error.code != EEXIST && error.code != ENOENT { return .failure(error) }
            }
        }
        return .failure(failure)
    }

    // MARK: Size limit

    func wrote(_ bytes: Int) {
        totalBytes += bytes
        bytesSinceListing += bytes
    }

    /// Whether that many more bytes are certain to fit. Other processes write too, so the total is soon out of date.
    func hasRoom(for needed: Int) -> Bool {
        totalBytes + needed <= limits.maximumBytes
            && (bytesSinceListing + needed <= limits.maximumSegmentBytes / 8 || bytesSinceListing == 0)
    }

    // MARK: The directory

    /// The directory at the path, reopened or recreated if it was replaced or deleted; nil while that fails.
    private func directory() -> SpoolDirectory? {
        if let opened, opened.isInPlace { return opened }
        opened = try? SpoolDirectory(path: path)
        return opened
    }

    /// Lists the directory with sizes. Avoided files do not count.
    func list() -> SpoolDirectory.Listing? {
        guard var listing = directory()?.list(bytesCounted: true) else { return nil }
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

    /// Forgets segments that are gone: another process took them.
    private func forgetNames(_ present: Set<String>) {
        for (name, own) in released where !present.contains(name) {
            released[name] = nil
            takenByOthers += own.pending
        }
        avoided.formIntersection(present)
    }
}

/// Limits on what the spool holds.
package struct SpoolLimits: Sendable, Equatable {
    /// Bytes of all segments in the directory, of all processes; at least 16 KiB. Beyond it the oldest segment is
    /// deleted.
    ///
    /// Each process lists the directory when it opens a segment, and again after each eighth of a segment, so
    /// concurrent writers may exceed the limit by that much each.
    package var maximumBytes: Int = 64 << 20
    /// Bytes of one segment file; capped at a quarter of `maximumBytes` and at 2 MiB. A larger record gets its own
    /// segment.
    package var maximumSegmentBytes: Int = 1 << 20
    /// Bytes of one record's body; capped at 1 MiB.
    package var maximumBodyBytes: Int = 1 << 20
    /// Records captured longer ago are not delivered.
    package var maximumAge: Duration = .seconds(24 * 60 * 60)

    package init() {}

    /// The limits as applied, each within what the format and the others allow.
    var effective: SpoolLimits {
        var limits = self
        limits.maximumBytes = max(16 << 10, maximumBytes)
        limits.maximumSegmentBytes = max(1 << 10, min(maximumSegmentBytes, limits.maximumBytes / 4, 2 << 20))
        limits.maximumBodyBytes = max(0, min(maximumBodyBytes, SpoolFormat.maximumBodyBytes))
        return limits
    }

    /// Returns the time of the oldest capture that is still delivered.
    ///
    /// - Parameter now: nanoseconds since 1970.
    func oldestCapture(at now: UInt64) -> UInt64 { now - min(now, maximumAge.nanoseconds) }
}
