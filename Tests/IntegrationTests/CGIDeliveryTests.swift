import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("The event of a CGI program", .serialized)
struct CGIDeliveryTests {
    /// Holds back a backend's answers until a test releases them.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)

        func open() { isOpen.withLock { $0 = true } }

        func wait() {
            while !isOpen.withLock({ $0 }) { usleep(2000) }
        }
    }

    @Test(
        "reaches an https backend that is 300 ms away",
        .enabled(if: Tool.areWanted("nginx", "openssl"), "needs nginx and openssl; REQUIRE_REAL_SERVERS=1 insists"))
    func distantBackend() async throws {
        let server = try await TLSServer()
        let relay = try DistantRelay(to: server.port, roundTrip: .milliseconds(300))
        let program = try CGIProgram(
            endpoint: "https://localhost:\(relay.port)",
            settings: ["RA_CA_FILE": server.directory.appending(path: "ca.pem").path])
        for _ in 0..<5 { #expect(try await program.run().isEmpty) }
        try await eventually("five requests, not \(server.requests.count)") { server.requests.count == 5 }
        try await eventually("the end of the children") { program.children.isEmpty }
        #expect(program.lost == 0)
        relay.stop()
        try await server.stop()
    }

    @Test("delays nobody: with a hanging backend, the program ends about as early as without a tracker")
    func earlyEnd() async throws {
        let backend = try ScriptedBackend { _ in .silence }
        let tracked = try CGIProgram(endpoint: backend.endpoint)
        let untracked = try CGIProgram(endpoint: backend.endpoint, settings: ["RA_DEBUG_DISABLE_ANALYTICS": "1"])
        func time(_ program: CGIProgram) async throws -> Duration {
            let started = ContinuousClock.now
            let run = try program.start()
            #expect(try await run.end() == 0)
            return (run.endedAt ?? .now) - started
        }
        var (with, without): ([Duration], [Duration]) = ([], [])
        for _ in 0..<15 {
            without.append(try await time(untracked))
            with.append(try await time(tracked))
        }
        let ratio = (with.min() ?? .zero) / (without.min() ?? .zero)
        #expect(ratio < 5, "\(with) against \(without)")
        backend.stop()
    }

    @Test(
        "is delivered by one of 64 children at most; what they can't deliver is counted, or on disk",
        arguments: [false, true])
    func hangingBackend(hasSpool: Bool) async throws {
        let backend = try ScriptedBackend { _ in .silence }
        let program = try CGIProgram(endpoint: backend.endpoint)
        let settings = hasSpool ? ["RA_SPOOL_DIRECTORY": program.folder.path + "/spool"] : [:]
        var (said, most) = (0, 0)
        for _ in 0..<25 {
            let runs = try (0..<8).map { _ in try program.start("/hello/x/", settings) }
            most = max(most, program.children.count)
            for run in runs {
                #expect(try await run.end() == 0)
                #expect(run.output.hasPrefix("Status: 200"))
                said += CGIProgram.lost(in: run.errors)
            }
            most = max(most, program.children.count)
        }
        #expect(most <= 64 && most > 0)
        // The budget is 10 s, enforced by the alarm.
        try await eventually("the end of all children, not \(program.children.count) left") {
            most = max(most, program.children.count)
            return program.children.isEmpty
        }
        #expect(most <= 64)
        if hasSpool {
            #expect(program.spooled(in: "spool") == 200)
            #expect(said + program.lost == 0)
        } else {
            #expect(said + program.lost == 200)
            #expect(program.reason.hasPrefix("127.0.0.1 did not answer within "), "\(program.reason)")
        }
        backend.stop()
    }

    @Test("is said in the web server's log by a later run if it is lost, once a minute, with their number")
    func line() async throws {
        let gate = Gate()
        let backend = try ScriptedBackend { _ in
            gate.wait()
            return .status(400)
        }
        let program = try CGIProgram(endpoint: backend.endpoint)
        for _ in 0..<5 { #expect(try await program.run().isEmpty) }
        gate.open()
        try await eventually("five lost events, not \(program.lost)") { program.lost == 5 }
        let log = try await program.run()
        #expect(log.hasPrefix("rigidanalytics [warning] 5 events lost since "), "\(log)")
        #expect(log.contains("(the last one: dropped an event: the backend answered 400"), "\(log)")
        #expect(log.split(separator: "\n").count == 1)
        #expect(!log.contains("s3cr3t"))
        try await eventually("the sixth, not \(program.lost)") { program.lost == 1 }
        for _ in 0..<3 { #expect(try await program.run().isEmpty) }
        try await eventually("the last three, not \(program.lost)") { program.lost == 4 }
        backend.stop()
    }

    @Test("is said in the web server's log by a later run if it stays in the spool")
    func lineAboutTheSpool() async throws {
        let backend = try ScriptedBackend { _ in .status(401) }
        let folder = try TemporaryFolder("cgi-spool")
        let program = try CGIProgram(
            endpoint: backend.endpoint, settings: ["RA_SPOOL_DIRECTORY": folder.path + "/spool"])
        #expect(try await program.run().isEmpty)
        try await eventually("an event in the spool, not \(program.leftInSpool)") { program.leftInSpool == 1 }
        let log = try await program.run()
        #expect(log.hasPrefix("rigidanalytics [warning] 1 event left in the spool for later requests since "), "\(log)")
        #expect(log.contains("the backend answered 401: check RA_PROJECT_TOKEN"), "\(log)")
        #expect(log.split(separator: "\n").count == 1 && !log.contains("s3cr3t"))
        backend.stop()
    }

    @Test("is lost while the backend is down, with the advice to configure a spool")
    func advice() async throws {
        let backend = try ScriptedBackend()
        backend.stop()
        let program = try CGIProgram(endpoint: backend.endpoint)
        #expect(try await program.run().isEmpty)
        try await eventually("a lost event") { program.lost == 1 }
        // A process below the warning level logs nothing, and leaves the count for others.
        for level in ["error", "off"] {
            #expect(try await program.run("/hello/x/", ["RA_LOG_LEVEL": level]).isEmpty)
        }
        let log = try await program.run()
        #expect(CGIProgram.lost(in: log) >= 1, "\(log)")
        #expect(log.contains("connect"), "\(log)")
        #expect(log.contains("; set RA_SPOOL_DIRECTORY to keep"), "\(log)")
        #expect(!log.contains("events wait"), "\(log)")
    }

    @Test("that is not in the sample is neither sent nor counted as lost")
    func outOfSample() async throws {
        let backend = try ScriptedBackend()
        let program = try CGIProgram(endpoint: backend.endpoint, settings: ["RA_SAMPLE_RATE": "0"])
        for _ in 0..<3 { #expect(try await program.run().isEmpty) }
        // Errors are kept whatever the sample rate; any earlier event would have arrived by then.
        #expect(try await program.start("/boom/").end() == 0)
        try await eventually("the error's event") { !backend.received.isEmpty }
        try await eventually("the end of the children") { program.children.isEmpty }
        #expect(backend.received.count == 1 && program.lost == 0)
        backend.stop()
    }

    @Test("is counted if its process is killed")
    func killedChild() async throws {
        let backend = try ScriptedBackend { _ in .silence }
        let program = try CGIProgram(endpoint: backend.endpoint)
        _ = try await program.run()
        try await eventually("a child that sends") { backend.received.count == 1 && program.children.count == 1 }
        for child in program.children { kill(child, SIGKILL) }
        try await eventually("its end") { program.children.isEmpty }
        // The next process that takes its slot notices.
        var log = ""
        try await eventually("the line") {
            log += try await program.run()
            return log.contains("was killed")
        }
        #expect(CGIProgram.lost(in: log) == 1)
        backend.stop()
    }

    @Test("is delivered, in less time, where the program's state can't be kept")
    func noState() async throws {
        let backend = try ScriptedBackend()
        let program = try CGIProgram(endpoint: backend.endpoint, settings: ["TMPDIR": "/nowhere/at/all"])
        // A busy machine may need more than that time now and then.
        try await eventually("an event") {
            let log = try await program.run()
            #expect(log.isEmpty)
            try? await eventually(within: .seconds(1)) { !backend.received.isEmpty }
            return !backend.received.isEmpty
        }
        backend.stop()
    }
}
