import CLibrary

/// What a spool knows of its directory: which segments may be taken, how large all are, what is left alone.
final class SpoolShelf {
    let path: String
    private let limits: SpoolLimits
    private let now: () -> UInt64
    /// nil while it is not needed, or can't be opened.
    private var opened: SpoolDirectory?
    /// Names of the last listing that were not looked at, the oldest last.
    private var names: [String] = []
    /// What this object wrote into segments that it has let go of.
    private var released: [String: SpoolSegment.Own] = [:]
    /// Names that are not worth opening again: no segments inside, or impossible to remove.
    private var avoided: Set<String> = []
    /// The bytes in the directory as last seen, and what was written since.
    var totalBytes = 0
    private var bytesSinceListing = 0
    /// Files that have a segment's name, and are none.
    private(set) var foreignFiles = 0
    /// Own events whose segment another process took.
    private(set) var takenByOthers = 0

    private static let maximumCorruptFiles = 8
    /// How many of the newest segments are tried before a new one is made.
    private static let maximumContinued = 4
    /// How many names are tried for a new segment: one can be taken, or removed while its maker stood still.
    private static let maximumNewNames = 8
    /// A segment that is not locked this long after it was made was left by a process that died, or goes on and makes
    /// another. In nanoseconds.
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

    /// Lists the directory, for what other processes left there.
    ///
    /// - Parameter holding: names that need not be looked at.
    func look(holding: Set<String>) {
        guard let directory = directory(), let listing = directory.list(bytesCounted: false) else { return }
        for name in listing.unlocked where isLeftover(name) { directory.remove(name) }
        names = listing.segments.reversed().map(\.name).filter { !avoided.contains($0) && !holding.contains($0) }
        forgetNames(Set(listing.segments.map(\.name)))
    }

    /// Whether the maker of a segment that is not locked has had time enough, or the clock was set back meanwhile.
    private func isLeftover(_ name: String) -> Bool {
        guard let made = SpoolSegmentName.nanoseconds(of: name) else { return false }
        let time = now()
        return max(time, made) - min(time, made) > Self.unlockedPatience
    }

    /// A segment that this process held may be taken again, by others too.
    func putBack(_ segment: SpoolSegment) {
        if let own = segment.own { released[segment.name] = own }
        names.insert(segment.name, at: 0)
    }

    /// Own events in segments that were put back.
    var ownPending: Int { released.values.reduce(0) { $0 + $1.pending } }

    /// Whether a file counts against the limit.
    func counts(_ name: String) -> Bool { !avoided.contains(name) && opened?.exists(name) ?? true }

    func close() {
        names = []
        opened = nil
    }

    // MARK: Segments

    /// Holds a segment. A file that is none is set aside, or left alone from now on.
    func take(_ name: String, _ listing: SpoolDirectory.Listing?) -> SpoolSegment? {
        guard let directory = directory(), !avoided.contains(name),
            let file = SpoolSegmentFile.open(name, in: directory),
            let size = file.sizeIfLinked, let start = file.read(count: SpoolFormat.fileHeaderBytes)
        else { return nil }
        // A file that cannot be a segment is judged by its beginning alone.
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

    /// A segment to append to: one of the newest that have room, or a new one.
    ///
    /// Continuing matters for CGI, where each process stores an event or two: a file for each would soon be tens of
    /// thousands.
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

    // MARK: Room

    func wrote(_ bytes: Int) {
        totalBytes += bytes
        bytesSinceListing += bytes
    }

    /// Whether so many bytes more fit for sure. Others write too, so the sum is only good for a while.
    func hasRoom(for needed: Int) -> Bool {
        totalBytes + needed <= limits.maximumBytes
            && (bytesSinceListing + needed <= limits.maximumSegmentBytes / 8 || bytesSinceListing == 0)
    }

    // MARK: The directory

    /// The directory at the path; opened anew, or made anew, if it was replaced or deleted. nil while it cannot be.
    private func directory() -> SpoolDirectory? {
        if let opened, opened.isInPlace { return opened }
        opened = try? SpoolDirectory(path: path)
        return opened
    }

    /// Lists the directory with sizes. What is no segment for sure does not count.
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

    /// Segments that another process took over are not this one's any more.
    private func forgetNames(_ present: Set<String>) {
        for (name, own) in released where !present.contains(name) {
            released[name] = nil
            takenByOthers += own.pending
        }
        avoided.formIntersection(present)
    }
}

/// How much the spool may hold.
package struct SpoolLimits: Sendable, Equatable {
    /// All segments of the directory together, of all processes; at least 16 KiB. Beyond it the oldest segment goes.
    ///
    /// Every process looks at what the others wrote when it opens a segment, and again after each eighth of a segment,
    /// so several that write at once may be over it by that much each.
    package var maximumBytes: Int = 64 << 20
    /// One segment file; cut to a quarter of `maximumBytes` and to 2 MiB. A single larger record gets a segment alone.
    package var maximumSegmentBytes: Int = 1 << 20
    /// One event's body; cut to 1 MiB.
    package var maximumBodyBytes: Int = 1 << 20
    /// Records captured longer ago are not delivered any more.
    package var maximumAge: Duration = .seconds(24 * 60 * 60)

    package init() {}

    /// The limits as they are applied: each within what the format and the others allow.
    var effective: SpoolLimits {
        var limits = self
        limits.maximumBytes = max(16 << 10, maximumBytes)
        limits.maximumSegmentBytes = max(1 << 10, min(maximumSegmentBytes, limits.maximumBytes / 4, 2 << 20))
        limits.maximumBodyBytes = max(0, min(maximumBodyBytes, SpoolFormat.maximumBodyBytes))
        return limits
    }

    /// `maximumAge` in nanoseconds; 0 for a negative one.
    var maximumAgeNanoseconds: UInt64 {
        let (seconds, attoseconds) = maximumAge.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflows) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowsToo) = product.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return overflows || overflowsToo ? .max : sum
    }
}
