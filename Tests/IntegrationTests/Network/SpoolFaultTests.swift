import Foundation
import TestSupport
import Testing

@Suite("A spool")
struct SpoolFaultTests {
    let folder: TemporaryFolder
    var spool: String { folder.path + "/spool" }

    init() throws {
        folder = try TemporaryFolder("faults")
    }

    private func sender(
        _ prefix: String, _ sink: EventSink, settings: [String: String] = [:], shell: String? = nil,
        hasSpool: Bool = true
    ) throws -> Sender {
        var all = ["RETRY_CAP": "300"].merging(settings) { $1 }
        if hasSpool { all["RA_SPOOL_DIRECTORY"] = spool }
        let program = try RunningProgram.path(of: "DeliveryProcess")
        let command = shell.map { ["/bin/sh", "-c", "\($0) exec '\(program)' \(prefix)"] }
        return try Sender(prefix, endpoint: sink.endpoint, settings: all, command: command)
    }

    /// At 200 events a second, those of the last 1.25 s or of the last moment may be lost.
    @Test(
        "has what is older than its age when the process is killed before a backend that hangs",
        arguments: [(after: "1", lost: 250), (after: "0", lost: 20)])
    func killedWhileHanging(after: String, lost: Int) async throws {
        let sink = try EventSink { _ in .hangs }
        let first = try sender("hang", sink, settings: ["RA_SPOOL_AFTER": after])
        try await first.ask("pace 200 4")
        first.process.signal(SIGKILL)
        _ = try await first.process.end()

        sink.answer { _ in .status(200) }
        let second = try sender("next", sink)
        try await second.ask("capture 1")
        try? await eventually(within: .seconds(15)) { sink.tally.delivered.count >= 801 - lost }
        let tally = sink.tally
        #expect(tally.delivered.count >= 801 - lost)
        #expect(tally.underTwoKeys.isEmpty)
        try await second.ask("shutdown")
        #expect(try await second.finish() == 0)
    }

    /// The faults of a disk, or limits, that affect a spool.
    enum Fault: String, CaseIterable, Sendable {
        case none, fullDisk, fileSize, twelveDescriptors, eightDescriptors, eightDescriptorsDiskFirst

        /// The shell commands that set it up, before the shell execs the program.
        func shell(_ spool: String) -> String {
            switch self {
            case .none: ""
            case .fullDisk: "mount -t tmpfs -o size=64k,mode=0700 none '\(spool)' &&"
            case .fileSize: "ulimit -f 16;"
            case .twelveDescriptors: "ulimit -n 12;"
            case .eightDescriptors, .eightDescriptorsDiskFirst: "ulimit -n 8;"
            }
        }

        var settings: [String: String] { self == .eightDescriptorsDiskFirst ? ["RA_SPOOL_AFTER": "0"] : [:] }
    }

    @Test("loses nothing in an outage, whichever disk operation fails", arguments: Fault.allCases)
    func faultyDisk(fault: Fault) async throws {
        if fault == .fullDisk, !Mounting.isAllowed {
            // A parameterized test can't be skipped for a single argument.
            return withKnownIssue("needs the right to mount") { Issue.record("skipped") }
        }
        try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: false)
        let sink = try EventSink { _ in .status(503) }
        let subject: Sender
        if fault == .fullDisk {
            let unshare = try #require(Tool.find("unshare"))
            let program = try RunningProgram.path(of: "DeliveryProcess")
            subject = try Sender(
                "fault", endpoint: sink.endpoint, settings: ["RETRY_CAP": "300", "RA_SPOOL_DIRECTORY": spool],
                command: [unshare, "--mount", "sh", "-c", "\(fault.shell(spool)) exec '\(program)' fault"])
        } else {
            subject = try sender("fault", sink, settings: fault.settings, shell: fault.shell(spool))
        }
        try await subject.ask("pace 200 3")
        #expect(try await subject.counts().dropped == 0)
        sink.answer { _ in .status(200) }
        try? await eventually(within: .seconds(20)) {
            _ = try await subject.ask("flush 1")
            // The backend has answered a moment before the tracker has read the answer.
            let delivered = try await subject.counts().delivered
            return sink.taken >= 600 && delivered >= 600
        }
        let counts = try await subject.counts()
        #expect(counts.delivered == 600 && counts.dropped == 0, "\(counts) \(subject.process.errors)")
        let tally = sink.tally
        #expect(tally.delivered.count == 600)
        #expect(tally.underTwoKeys.isEmpty)
        #expect(try await subject.finish() == 0)
    }

    @Test("makes nothing worse where descriptors are scarce", arguments: [8, 10, 16])
    func scarceDescriptors(limit: Int) async throws {
        var delivered: [Int] = []
        for hasSpool in [false, true] {
            let sink = try EventSink()
            let sender = try sender("few", sink, shell: "ulimit -n \(limit);", hasSpool: hasSpool)
            try await sender.ask("pace 200 1")
            try? await eventually(within: .seconds(4)) {
                _ = try await sender.ask("flush 1")
                return sink.taken == 200
            }
            delivered.append(sink.tally.delivered.count)
            let counts = try await sender.counts()
            #expect(hasSpool == false || counts.dropped == 0, "\(counts)")
            _ = try await sender.finish()
        }
        #expect(delivered[1] >= delivered[0], "\(delivered)")
    }

    @Test("is readable only by its owner, and is made so if it is not")
    func modes() async throws {
        let sink = try EventSink { _ in .status(503) }
        func mode(_ path: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
        }
        func files() throws -> [String] { folder.names(in: "spool").map { "\(spool)/\($0)" } }
        let first = try sender("modes", sink, settings: ["RA_SPOOL_AFTER": "0"], shell: "umask 0;")
        try await first.ask("capture 50")
        try await eventually("events on disk") { try await first.counts().spooled == 50 }
        #expect(try mode(spool) == 0o700)
        #expect(try !files().isEmpty)
        for file in try files() { #expect(try mode(file) == 0o600, "\(file)") }
        first.process.signal(SIGKILL)
        _ = try await first.process.end()

        for path in try [spool] + files() {
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path)
        }
        let oldest = try #require(try files().first)
        let second = try sender("modes2", sink, settings: ["RA_SPOOL_AFTER": "0"], shell: "umask 0;")
        try await second.ask("capture 50")
        try await eventually(within: .seconds(10), "the directory's mode") { try mode(spool) == 0o700 }
        // Only the segment that it continues; the directory protects the others.
        try await eventually(within: .seconds(10), "a file's mode") { (try? mode(oldest)) ?? 0o600 == 0o600 }
        sink.answer { _ in .status(200) }
        try await eventually("all events") {
            _ = try await second.ask("flush 1")
            return sink.tally.delivered.count == 100
        }
        #expect(try await second.finish() == 0)
    }
}
