import Foundation
import Testing

@testable import TrackerCGI

@Suite("The state of a CGI program")
struct CGIProgramStateTests {
    /// A directory that others can write to, like /tmp.
    private final class SharedDirectory {
        let path: String

        init() throws {
            path = FileManager.default.temporaryDirectory.appendingPathComponent("shared-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            guard chmod(path, 0o1777) == 0 else { throw PrivateFile.Refusal(description: "chmod") }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        var own: String { path + "/own" }

        func mode(_ name: String) -> mode_t {
            var status = stat()
            return lstat(path + "/" + name, &status) == 0 ? status.st_mode & 0o7777 : 0
        }
    }

    @Test("is in a directory and a file that nobody else can read, whatever they were before")
    func modes() throws {
        let shared = try SharedDirectory()
        _ = try CGIProgramState(directory: shared.own, key: "k")
        #expect(shared.mode("own") == 0o700 && shared.mode("own/k") == 0o600)
        chmod(shared.own, 0o777)
        chmod(shared.own + "/k", 0o666)
        _ = try CGIProgramState(directory: shared.own, key: "k")
        #expect(shared.mode("own") == 0o700 && shared.mode("own/k") == 0o600)
    }

    @Test(
        "is refused if another user created it first",
        arguments: ["link to a directory", "file for a directory", "link to a file", "second name", "FIFO", "missing"])
    func hostile(kind: String) throws {
        let shared = try SharedDirectory()
        let prize = shared.path + "/prize"
        var directory = shared.own
        switch kind {
        case "link to a directory":
            mkdir(prize, 0o700)
            symlink(prize, shared.own)
        case "file for a directory": try Data("x".utf8).write(to: URL(fileURLWithPath: shared.own))
        case "missing": directory += "/none/none"
        default:
            try Data("untouched".utf8).write(to: URL(fileURLWithPath: prize))
            mkdir(shared.own, 0o700)
            switch kind {
            case "link to a file": symlink(prize, shared.own + "/k")
            case "second name": link(prize, shared.own + "/k")
            default: mkfifo(shared.own + "/k", 0o600)
            }
        }
        let refusal = #expect(throws: PrivateFile.Refusal.self) { try CGIProgramState(directory: directory, key: "k") }
        #expect(refusal?.description.contains(directory) == true)
        if let text = try? String(contentsOfFile: prize, encoding: .utf8) { #expect(text == "untouched") }
    }

    @Test(
        "is refused where the directory or the file is another user's", .enabled(if: geteuid() == 0, "needs root"),
        arguments: ["", "/k"])
    func foreignOwner(name: String) throws {
        let shared = try SharedDirectory()
        _ = try CGIProgramState(directory: shared.own, key: "k")
        try #require(chown(shared.own + name, 4321, 4321) == 0)
        let refusal = #expect(throws: PrivateFile.Refusal.self) { try CGIProgramState(directory: shared.own, key: "k") }
        #expect(refusal?.description.contains("belongs to user 4321") == true)
    }

    @Test("has 64 slots, each free again once its holder has gone")
    func slots() throws {
        let shared = try SharedDirectory()
        var holders: [CGIProgramState] = []
        var taken: Set<Int> = []
        for _ in 0..<CGIProgramState.maximumChildren {
            let holder = try CGIProgramState(directory: shared.own, key: "k")
            guard case .taken(let slot) = holder.takeSlot() else { break }
            taken.insert(slot)
            holders.append(holder)
        }
        #expect(taken.count == 64)
        let late = try CGIProgramState(directory: shared.own, key: "k")
        #expect(late.takeSlot() == .allBusy)
        // Another program has its own slots.
        let other = try CGIProgramState(directory: shared.own, key: "l")
        guard case .taken(let slot) = other.takeSlot() else { throw PrivateFile.Refusal(description: "no slot") }
        other.giveBack(slot)
        holders.removeFirst()
        guard case .taken = late.takeSlot() else { throw PrivateFile.Refusal(description: "no slot") }
    }

    @Test("counts an event as lost whose process was killed, and none that was settled")
    func killed() throws {
        let shared = try SharedDirectory()
        for isSettled in [true, false] {
            let holder = try CGIProgramState(directory: shared.own, key: "k")
            guard case .taken(let slot) = holder.takeSlot() else { throw PrivateFile.Refusal(description: "no slot") }
            holder.begin(slot)
            if isSettled { holder.finish(slot) }
        }
        let next = try CGIProgramState(directory: shared.own, key: "k")
        #expect(next.takeMessage(now: 1) == nil)
        guard case .taken(let slot) = next.takeSlot() else { throw PrivateFile.Refusal(description: "no slot") }
        next.begin(slot)
        let message = try #require(next.takeMessage(now: 1))
        #expect(message.hasPrefix("1 event lost since ") && message.contains("was killed"), "\(message)")
    }

    @Test("counts what many lose at the same time")
    func together() async throws {
        let shared = try SharedDirectory()
        let directory = shared.own
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<25 {
                        let state = try? CGIProgramState(directory: directory, key: "k")
                        state?.countLost(1, because: "r", remedy: .spool, patience: .seconds(60))
                    }
                }
            }
        }
        let message = try CGIProgramState(directory: directory, key: "k").takeMessage(now: 1)
        #expect(message?.hasPrefix("200 events lost since ") == true, "\(message ?? "nothing")")
    }

    @Test("waits for nobody who keeps the count locked")
    func lockedCount() throws {
        let shared = try SharedDirectory()
        let state = try CGIProgramState(directory: shared.own, key: "k")
        state.countLost(1, because: "r", remedy: .spool, patience: .seconds(60))
        let holder = try PrivateFile(directory: shared.own, name: "k")
        #expect(holder.lock(byte: 64) == .taken)
        state.countLost(1, because: "r", remedy: .spool, patience: .milliseconds(1))
        #expect(state.takeMessage(now: 1) == nil)
        holder.unlock(byte: 64)
        #expect(state.takeMessage(now: 1)?.hasPrefix("1 event lost ") == true)
    }

    @Test("that is damaged counts as empty", arguments: [0, 1, 63, 64, 128, 130, 640, 100_000])
    func damaged(length: Int) throws {
        let shared = try SharedDirectory()
        _ = try CGIProgramState(directory: shared.own, key: "k")
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 11) }
        try Data(bytes).write(to: URL(fileURLWithPath: shared.own + "/k"))
        let state = try CGIProgramState(directory: shared.own, key: "k")
        #expect(state.takeMessage(now: 1) == nil)
        state.countLost(2, because: "r", remedy: .none, patience: .seconds(60))
        #expect(state.takeMessage(now: 1)?.hasPrefix("2 events lost ") == true)
    }
}

@Suite("Undelivered events")
struct UndeliveredEventsTests {
    private static let minute = UndeliveredEvents.interval

    @Test("are said at once, then once a minute, with the number, the moment, the reason and what helps")
    func message() {
        var lost = UndeliveredEvents()
        #expect(lost.takeMessage(now: 5) == nil)
        lost.addLost(1, because: "first", remedy: .none, now: 1_000_000_000)
        lost.addLost(2, because: "no route to host", remedy: .spool, now: 1_000_000_060)
        #expect(
            lost.takeMessage(now: 5)
                == "3 events lost since Sun, 09 Sep 2001 01:46:40 GMT (the last one: no route to host); set "
                + "RA_SPOOL_DIRECTORY to keep undelivered events for a later request")
        #expect(lost.takeMessage(now: 6) == nil)
        lost.addLost(1, because: "the backend answered 400", remedy: .none, now: 1_000_000_100)
        #expect(lost.takeMessage(now: 4 + Self.minute) == nil)
        #expect(
            lost.takeMessage(now: 5 + Self.minute)
                == "1 event lost since Sun, 09 Sep 2001 01:48:20 GMT (the last one: the backend answered 400)")
    }

    @Test("are told apart from those that wait in the spool, whose number is said likewise")
    func spooled() {
        var events = UndeliveredEvents()
        events.addSpooled(1, because: "libcurl can't be loaded", now: 1_000_000_000)
        #expect(
            events.takeMessage(now: 5)
                == "1 event left in the spool for later requests since Sun, 09 Sep 2001 01:46:40 GMT (the last one: "
                + "libcurl can't be loaded)")
        events.addLost(1, because: "full", remedy: .none, now: 1_000_000_100)
        events.addSpooled(2, because: "the backend answered 503", now: 1_000_000_160)
        #expect(
            events.takeMessage(now: 5 + Self.minute)
                == "1 event lost, 2 events left in the spool for later requests since Sun, 09 Sep 2001 01:48:20 GMT "
                + "(the last one: the backend answered 503)")
        #expect(events.takeMessage(now: 5 + 2 * Self.minute) == nil)
    }

    @Test("are said again after the machine was started anew, when its clock begins at zero")
    func restart() {
        var lost = UndeliveredEvents()
        lost.addLost(1, because: "r", remedy: .spool, now: 0)
        #expect(lost.takeMessage(now: 10 * Self.minute) != nil)
        lost.addLost(1, because: "r", remedy: .spool, now: 0)
        #expect(lost.takeMessage(now: 20) != nil)
    }

    @Test(
        "are what they were when read from a file, in one line of a fixed length",
        arguments: ["plain", "two\nlines\u{1B}[31m", String(repeating: "ä", count: 5000), "", " "])
    func roundTrip(reason: String) {
        var lost = UndeliveredEvents()
        lost.addLost(.max, because: reason, remedy: .spool, now: 253_402_300_799)
        lost.addSpooled(.max, because: reason, now: 0)
        lost.addLost(1, because: reason, remedy: .spool, now: 0)
        #expect(lost.bytes.count == UndeliveredEvents.encodedBytes)
        #expect(lost.bytes.dropLast().allSatisfy { $0 >= 0x20 })
        #expect(UndeliveredEvents(bytes: lost.bytes) == lost)
    }
}
