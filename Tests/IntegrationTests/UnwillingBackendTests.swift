import Foundation
import TestSupport
import Testing

@Suite("A demo with an unavailable backend", .serialized)
struct UnwillingBackendTests {
    /// Requests pages over one connection, and returns the median time in nanoseconds.
    private func medianTime(port: UInt16, count: Int = 300) throws -> Double {
        let connection = try RawClient(port: port)
        var times: [Double] = []
        for _ in 0..<count {
            let started = ContinuousClock.now
            connection.send("GET /hello/x/ HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = connection.receiveAnswer()
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            let took = ContinuousClock.now - started
            times.append(Double(took.components.attoseconds) / 1e9)
        }
        return times.sorted()[count / 2]
    }

    private func demo(endpoint: String, settings: [String: String] = [:]) async throws -> (RunningProgram, UInt16) {
        let environment = [
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "tok-s3cr3t", "RA_BACKEND_ENDPOINT": endpoint,
            "RA_SHUTDOWN_TIMEOUT": "300ms",
        ]
        let demo = try RunningProgram(
            "DemoRouterApp", ["--port", "0"], environment: environment.merging(settings) { $1 })
        return (demo, try await demo.port(after: "Open http"))
    }

    @Test("is no slower, whether it is down, silent or slow", arguments: ["down", "silent", "slow"])
    func noSlower(kind: String) async throws {
        let backend = try ScriptedBackend { _ in
            kind == "silent" ? .silence : .status(200, delay: .milliseconds(50))
        }
        if kind == "down" { backend.stop() }
        let (healthy, healthyPort) = try await demo(endpoint: "", settings: ["RA_DEBUG_DISABLE_ANALYTICS": "1"])
        let (subject, port) = try await demo(endpoint: backend.endpoint)
        // Alternate, so that a busy machine affects both, and take the best ratio of three rounds.
        var ratios: [Double] = []
        for _ in 0..<3 {
            let without = try medianTime(port: healthyPort)
            ratios.append(try medianTime(port: port) / without)
        }
        #expect((ratios.min() ?? .infinity) < 3)
        let started = ContinuousClock.now
        #expect(try await subject.stop() == 0)
        if let endedAt = subject.endedAt { #expect(endedAt - started < .seconds(10)) }
        let counts = try #require(subject.errors.split(separator: "\n").first { $0.contains("captured") })
        #expect(counts.contains("captured 900"))
        let numbers = counts.split { !$0.isNumber }.compactMap { Int($0) }
        let (delivered, dropped) = (numbers[1], numbers[3])
        #expect(delivered + dropped == 900, "\(counts)")
        #expect(!subject.errors.contains("s3cr3t"))
        try await healthy.stop()
        backend.stop()
    }

    @Test("keeps its memory bounded, and counts what it can't hold")
    func boundedMemory() async throws {
        let backend = try ScriptedBackend { _ in .silence }
        let (subject, port) = try await demo(endpoint: backend.endpoint, settings: ["RA_QUEUE_CAPACITY": "1000"])
        func ask(_ count: Int) throws {
            let connection = try RawClient(port: port)
            let batch = String(
                repeating: "GET / HTTP/1.1\r\nHost: h\r\nX-Long: \(String(repeating: "x", count: 500))\r\n\r\n",
                count: 20)
            for _ in 0..<(count / 20) {
                connection.send(batch)
                for _ in 0..<20 { #expect(connection.receiveAnswer().isEmpty == false) }
            }
        }
        try ask(2000)
        let before = subject.residentBytes
        try ask(8000)
        #expect(subject.residentBytes - before < 4 << 20)
        try await subject.stop()
        #expect(subject.errors.contains("captured 10000, delivered 0"))
        #expect(subject.errors.contains("queue_full 9000, shutdown 1000"))
        backend.stop()
    }

    @Test("that is disabled makes no event, no thread and no socket")
    func disabled() async throws {
        let backend = try ScriptedBackend()
        let (subject, port) = try await demo(endpoint: backend.endpoint, settings: ["RA_DEBUG_DISABLE_ANALYTICS": "1"])
        _ = try medianTime(port: port, count: 50)
        for name in ThreadNames.all(process: subject.identifier) { #expect(!name.contains("rigidanalytics")) }
        try await subject.stop()
        #expect(backend.connections == 0)
        #expect(subject.errors.contains("captured 0"))
        backend.stop()
    }
}
