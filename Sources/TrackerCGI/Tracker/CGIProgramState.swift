import CLibrary
import TrackerCore

/// State shared by the processes of one CGI program: how many are delivering an event, and how many events were not
/// delivered.
///
/// Both are in a file that the user owns, one for each program and project. Once the file is open, nothing here waits
/// for long or throws: a missed count does no harm.
final class CGIProgramState: Sendable {
    /// The most children of one program that may deliver at a time.
    static let maximumChildren = 64

    private enum Mark {
        static let free = UInt8(ascii: ".")
        static let delivering = UInt8(ascii: "d")
    }

    /// The file starts with a mark for each slot, and the process that holds a slot locks that byte. The next byte is
    /// the lock of the count.
    private static let countLock = maximumChildren
    private static let countStart = 128

    private let file: PrivateFile

    /// The descriptor that a child must keep open: closing it releases the lock of its slot.
    var descriptor: Int32 { file.descriptor }

    /// - Parameters:
    ///   - directory: a directory that belongs to the user alone.
    ///   - key: distinguishes programs and projects.
    init(directory: String = CGIProgramState.standardDirectory, key: String) throws(PrivateFile.Refusal) {
        file = try PrivateFile(directory: directory, name: key)
    }

    /// A directory below `TMPDIR`, or `/tmp`. A visitor cannot set the variable: names that come from requests begin
    /// with `HTTP_` (RFC 3875, section 4.1.18).
    static var standardDirectory: String {
        var parent = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        while parent.utf8.count > 1, parent.hasSuffix("/") { parent.removeLast() }
        return (parent.hasPrefix("/") ? parent : "/tmp") + "/rigidanalytics-\(geteuid())"
    }

    /// Returns a key for this program and project.
    static func key(projectID: String) -> String {
        var path = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
            filled = buffer.baseAddress.map { max(0, readlink("/proc/self/exe", $0, 4096)) } ?? 0
        }
        if path.isEmpty { path = Array((CommandLine.arguments.first ?? "").utf8) }
        // FNV-1a is enough: only the site's owner chooses the input.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in path + [0] + Array(projectID.utf8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return "cgi-" + String(hash, radix: 16)
    }

    // MARK: Slots

    enum Slot: Equatable {
        case taken(Int)
        /// All slots are in use.
        case allBusy
        /// Locks are not available.
        case unavailable
    }

    /// Takes a slot for a child about to be created. It is free again once no process has ``descriptor`` open.
    func takeSlot() -> Slot {
        let first = Int(getpid()) % Self.maximumChildren
        for distance in 0..<Self.maximumChildren {
            let slot = (first + distance) % Self.maximumChildren
            switch file.lock(byte: slot) {
            case .busy: continue
            case .unavailable: return .unavailable
            case .taken: return .taken(slot)
            }
        }
        return .allBusy
    }

    /// Marks a slot as delivering. If the previous holder did not mark it as done, its event is counted as lost.
    func begin(_ slot: Int) {
        let wasKilled = file.read(at: slot, count: 1) == [Mark.delivering]
        file.write([Mark.delivering], at: slot)
        guard wasKilled else { return }
        countLost(
            1, because: "the process delivering it was killed or took too long", remedy: .spool,
            patience: .seconds(1))
    }

    /// Marks the event of a slot as settled.
    func finish(_ slot: Int) {
        file.write([Mark.free], at: slot)
    }

    /// Releases a slot for which no child was created.
    func giveBack(_ slot: Int) {
        file.unlock(byte: slot)
    }

    // MARK: Undelivered events

    /// Counts lost events, for a later run of the program to report in the web server's log.
    func countLost(
        _ count: Int, because reason: String, remedy: UndeliveredEvents.Remedy, patience: Duration,
        now: Int64 = CGIProgramState.seconds
    ) {
        change(patience: patience) { $0.addLost(count, because: reason, remedy: remedy, now: now) }
    }

    /// Counts events that could not be delivered and are in the spool, for the same report.
    func countSpooled(_ count: Int, because reason: String, patience: Duration, now: Int64 = CGIProgramState.seconds) {
        change(patience: patience) { $0.addSpooled(count, because: reason, now: now) }
    }

    /// Seconds since 1970-01-01 UTC.
    private static var seconds: Int64 { SystemClock.wallNanoseconds() / 1_000_000_000 }

    /// Returns the line for the web server's log; see ``UndeliveredEvents/takeMessage(now:)``.
    func takeMessage(now: UInt64 = SystemClock.monotonicNanoseconds() / 1_000_000) -> String? {
        // Most runs find nothing to report, and need no lock to see that.
        guard !stored.isEmpty else { return nil }
        var message: String?
        change(patience: .milliseconds(2)) { message = $0.takeMessage(now: now) }
        return message
    }

    private var stored: UndeliveredEvents {
        UndeliveredEvents(bytes: file.read(at: Self.countStart, count: UndeliveredEvents.encodedBytes))
    }

    private func change(patience: Duration, _ body: (inout UndeliveredEvents) -> Void) {
        _ = file.withLock(byte: Self.countLock, patience: patience) {
            let before = stored
            var after = before
            body(&after)
            if after != before { file.write(after.bytes, at: Self.countStart) }
        }
    }
}
