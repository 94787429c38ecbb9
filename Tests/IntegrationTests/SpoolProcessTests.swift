import Foundation
import TestSupport
import Testing

@Suite("Processes that share a spool")
struct SpoolProcessTests {
    let folder: TemporaryFolder
    var spool: String { folder.path + "/spool" }
    var settings: [String: String] { ["RA_SPOOL_DIRECTORY": spool, "RA_SHUTDOWN_TIMEOUT": "20"] }

    init() throws {
        folder = try TemporaryFolder("shared")
    }

    /// The segments on disk.
    private var segments: [String] { folder.names(in: "spool") }

    private static func paths(_ backend: ScriptedBackend) -> Set<String> {
        var paths: Set<String> = []
        for request in backend.received {
            for line in request.text.split(separator: "\n") {
                guard let start = line.range(of: "http://example.com/") else { continue }
                paths.insert(String(line[start.upperBound...].prefix { $0 != "\"" }))
            }
        }
        return paths
    }

    @Test("leave their events at a shutdown without a backend, and another process delivers them")
    func handOver() async throws {
        let dead = try ScriptedBackend()
        dead.stop()
        let first = try Sender("first", endpoint: dead.endpoint, settings: settings)
        try await first.ask("capture 500")
        #expect(try await first.ask("shutdown").hasSuffix("dropped 0 pending 0"))
        #expect(try await first.ask("stats").hasSuffix("pending 0, spooled 500"))
        #expect(try await first.finish() == 0)
        #expect(!segments.isEmpty)

        let backend = try ScriptedBackend()
        let second = try Sender("second", endpoint: backend.endpoint, settings: settings)
        try await second.ask("capture 1")
        try await eventually("all events") { Self.paths(backend).count == 501 }
        try await eventually("an empty spool") { segments.isEmpty }
        #expect(try await second.ask("stats").contains("captured 1, delivered 1,"))
        #expect(try await second.ask("stats").hasSuffix("delivered for others 500"))
        #expect(backend.received.count == 501)
        backend.stop()
    }

    @Test("lose nothing that was on disk when they are killed in an outage")
    func killedInOutage() async throws {
        let dead = try ScriptedBackend()
        dead.stop()
        let first = try Sender("first", endpoint: dead.endpoint, settings: settings)
        try await first.ask("capture 300")
        // The outage lasts until the events are on disk.
        var answer = ""
        try await eventually("the spool") {
            answer = try await first.ask("stats")
            return answer.contains("spooled 300")
        }
        first.process.signal(SIGKILL)
        #expect(try await first.process.end() == SIGKILL)

        let backend = try ScriptedBackend()
        let second = try Sender("second", endpoint: backend.endpoint, settings: settings)
        try await second.ask("capture 1")
        try await eventually("all events") { Self.paths(backend).count == 301 }
        try await eventually("an empty spool") { segments.isEmpty }
        backend.stop()
    }

    @Test("deliver what they spooled themselves once the backend is back, and count it as delivered")
    func ownEventsComeBack() async throws {
        let dead = try ScriptedBackend()
        dead.stop()
        let sender = try Sender("own", endpoint: dead.endpoint, settings: settings)
        try await sender.ask("capture 300")
        try await eventually("the spool") { try await sender.ask("stats").contains("spooled 300") }
        let backend = try ScriptedBackend(port: dead.port)
        try await eventually("all events") {
            // A flush ends the wait early.
            _ = try await sender.ask("flush 1")
            return try await sender.ask("stats").contains("captured 300, delivered 300,")
        }
        #expect(Self.paths(backend).count == 300)
        try await eventually("an empty spool") { segments.isEmpty }
        #expect(sender.process.errors.contains("the backend is back after"))
        backend.stop()
    }

    @Test("put on disk what does not fit into memory, and deliver it late")
    func fullQueue() async throws {
        let backend = try ScriptedBackend { _ in .status(200, delay: .milliseconds(2)) }
        let sender = try Sender(
            "full", endpoint: backend.endpoint,
            settings: settings.merging(["RA_QUEUE_CAPACITY": "1000", "RA_MAXIMUM_CONNECTIONS": "2"]) { $1 })
        // Loading libcurl takes longer than filling such a small queue.
        try await sender.ask("capture 50")
        try await sender.ask("flush 10")
        // Slower than the disk, faster than the backend.
        for _ in 1...59 {
            try await eventually("room") {
                let words = try await sender.ask("stats").split { !$0.isNumber }.compactMap { Int($0) }
                return words[4] <= 800
            }
            try await sender.ask("capture 50")
        }
        try await eventually("all events") { backend.received.count >= 3000 }
        #expect(Self.paths(backend).count == 3000)
        try await eventually("the end") { try await sender.ask("stats").contains("captured 3000, delivered 3000") }
        try await eventually("an empty spool") { segments.isEmpty }
        backend.stop()
    }

    @Test("end by exit or by return with everything delivered or on disk", arguments: ["exit", "return"])
    func endsWithoutShutdown(kind: String) async throws {
        for isDown in [false, true] {
            let backend = try ScriptedBackend()
            if isDown { backend.stop() }
            let sender = try Sender("\(kind)-\(isDown)", endpoint: backend.endpoint, settings: settings)
            try await sender.ask("capture 200")
            if kind == "exit" { sender.tell("exit") }
            #expect(try await sender.finish() == 0)
            if isDown {
                #expect(!segments.isEmpty)
                #expect(!sender.process.errors.contains("lost"))
            } else {
                // On a busy machine, what does not fit into one second is on disk and is sent by the next process.
                #expect(!sender.process.errors.contains("lost"))
                let successor = try Sender("\(kind)-later", endpoint: backend.endpoint, settings: settings)
                try await successor.ask("capture 1")
                try? await eventually("all events") { Self.paths(backend).count == 201 }
                let missing = Set((0..<200).map { "\(kind)-false/\($0)" }).subtracting(Self.paths(backend))
                let counts = try await successor.ask("stats")
                #expect(missing.isEmpty, "\(missing) \(sender.process.errors) \(counts)")
                #expect(try await successor.finish() == 0)
                backend.stop()
            }
        }
    }

    @Test("say how many events they lost when they end without a shutdown, a spool and a backend")
    func lossIsSaid() async throws {
        let dead = try ScriptedBackend()
        dead.stop()
        let sender = try Sender("lost", endpoint: dead.endpoint)
        try await sender.ask("capture 200")
        sender.tell("exit")
        #expect(try await sender.finish() == 0)
        try await eventually("the number") { sender.process.errors.contains("200 events are lost") }
    }

    @Test("are not reported as missing a shutdown if they had one")
    func afterShutdown() async throws {
        let dead = try ScriptedBackend()
        dead.stop()
        let sender = try Sender("done", endpoint: dead.endpoint, settings: ["RA_SHUTDOWN_TIMEOUT": "100ms"])
        try await sender.ask("capture 200")
        #expect(try await sender.ask("shutdown") == "delivered 0 spooled 0 dropped 200 pending 0")
        #expect(try await sender.finish() == 0)
        #expect(!sender.process.errors.contains("without shutting down"))
    }

    @Test("continue in memory, with one log line, if the directory becomes unusable")
    func unusableDirectory() async throws {
        let backend = try ScriptedBackend()
        let sender = try Sender("file", endpoint: backend.endpoint, settings: settings)
        try await sender.ask("stats")
        try FileManager.default.removeItem(atPath: spool)
        try Data().write(to: URL(fileURLWithPath: spool))
        try await sender.ask("capture 100")
        #expect(try await sender.ask("flush 20").hasSuffix("spooled 0 dropped 0 pending 0"))
        #expect(try await sender.ask("stats").hasPrefix("captured 100, delivered 100,"))
        #expect(sender.process.errors.components(separatedBy: "not a directory").count == 2)
        backend.stop()
    }

    @Test("count what a full disk does not take", .enabled(if: Mounting.isAllowed, "needs the right to mount"))
    func fullDisk() async throws {
        let dead = try ScriptedBackend()
        dead.stop()
        let unshare = try #require(Tool.find("unshare"))
        let program = try RunningProgram.path(of: "DeliveryProcess")
        try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: false)
        let script = "mount -t tmpfs -o size=64k,mode=0700 none '\(spool)' && exec '\(program)' disk"
        let sender = try Sender(
            "disk", endpoint: dead.endpoint, settings: settings, command: [unshare, "--mount", "sh", "-c", script])
        try await sender.ask("capture 1000")
        #expect(try await sender.ask("shutdown").hasSuffix("pending 0"))
        let stats = try await sender.ask("stats")
        let numbers = stats.split { !$0.isNumber }.compactMap { Int($0) }
        // captured, delivered, retried, dropped, spool_failed, pending, spooled
        #expect(numbers.count == 7 && numbers[3] > 10 && numbers[6] > 10 && numbers[3] + numbers[6] == 1000, "\(stats)")
        #expect(stats.contains("spool_failed"))
        #expect(try await sender.finish() == 0)
        #expect(sender.process.errors.components(separatedBy: "the disk is full").count == 2)
    }
}
