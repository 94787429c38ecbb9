import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

/// A backend at a fixed address that is killed, restarted and disturbed in every way.
private final class TroubledBackend: Sendable {
    enum Trouble: CaseIterable, Sendable {
        case none, killed, busy, failing, reset, halfOpen, blackHole, slow
    }

    private struct State {
        var trouble = Trouble.none
        var server: ScriptedBackend?
        /// The keys under which each event was accepted.
        var keys: [String: Set<String>] = [:]
        var requests = 0
    }

    private let state = Mutex(State())
    private let takesLines: Bool
    /// Nobody else gets the port while the backend is away.
    private let reserved: ReservedPort
    var port: UInt16 { reserved.number }

    init(takesLines: Bool) throws {
        self.takesLines = takesLines
        reserved = try ReservedPort()
        try start()
    }

    var endpoint: String { "http://127.0.0.1:\(port)" }
    var requests: Int { state.withLock { $0.requests } }
    var accepted: [String: Set<String>] { state.withLock { $0.keys } }

    private func start() throws {
        // A connection's thread may still answer once the test is over.
        let server = try ScriptedBackend(port: port) { [weak self] request in self?.answer(request) ?? .status(503) }
        state.withLock { $0.server = server }
    }

    func stop() {
        state.withLock { state in
            state.server?.stop()
            state.server = nil
        }
    }

    func change(to trouble: Trouble) async throws {
        let wasKilled = state.withLock { state -> Bool in
            defer { state.trouble = trouble }
            return state.trouble == .killed
        }
        if trouble == .killed {
            stop()
        } else if wasKilled {
            try await eventually("the port") { (try? start()) != nil }
        }
    }

    private func answer(_ request: ScriptedBackend.Received) -> ScriptedBackend.Answer {
        let trouble = state.withLock { state -> Trouble in
            state.requests += 1
            // A reset happens after the events were accepted, which the tracker can't know. A backend about to be
            // killed still answers requests that arrive before.
            if [.none, .killed, .slow, .reset].contains(state.trouble) {
                for line in request.text.split(separator: "\n") {
                    guard let start = line.range(of: "http://h/") else { continue }
                    let path = String(line[start.upperBound...].prefix { $0 != "\"" })
                    state.keys[path, default: []].insert(request.headers["idempotency-key"] ?? "none")
                }
            }
            return state.trouble
        }
        let headers = takesLines ? ["Accept-Post: application/x-ndjson"] : []
        return switch trouble {
        case .none, .killed: .status(200, headers: headers)
        case .slow: .status(200, headers: headers, delay: .milliseconds(50))
        case .busy: .status(429, headers: ["Retry-After: 0"])
        case .failing: .status(500)
        case .reset: .raw("HTTP/1.")
        case .halfOpen: .close
        case .blackHole: .silence
        }
    }
}

@Suite("A backend that comes and goes")
struct OutageTests {
    private func tracker(
        _ backend: TroubledBackend, spool: String?, lines: LogLines, capacity: Int = 32_768
    ) throws -> Tracker {
        var configuration = try TrackerConfiguration(
            projectID: "p", projectToken: "t", backendEndpoint: backend.endpoint)
        configuration.retryPolicy.base = .milliseconds(5)
        configuration.retryPolicy.cap = .milliseconds(40)
        configuration.requestTimeout = .milliseconds(150)
        configuration.connectTimeout = .milliseconds(150)
        configuration.queueCapacity = capacity
        configuration.spoolDirectory = spool
        configuration.logHandler = { lines.append($0) }
        return try Tracker(configuration: configuration)
    }

    private func capture(_ count: Int, _ tracker: Tracker, from first: Int) {
        for number in first..<(first + count) {
            tracker.begin(
                RequestSnapshot(
                    method: "GET", target: "/\(number)", host: "h", headers: RequestHeaders([("Host", "h")]))
            )?.finish(status: 200, viewName: "x")
        }
    }

    private func adds(_ statistics: TrackerStatistics) -> Bool {
        statistics.captured
            == statistics.delivered + statistics.totalDropped + statistics.pending + statistics.spooled
    }

    @Test(
        "gets every event, and a repeated one only under its own key",
        arguments: [false, true], [false, true])
    func everythingArrives(hasSpool: Bool, takesLines: Bool) async throws {
        let folder = try TemporaryFolder("outage")
        let backend = try TroubledBackend(takesLines: takesLines)
        let lines = LogLines()
        let tracker = try tracker(
            backend, spool: hasSpool ? folder.path + "/spool" : nil, lines: lines, capacity: hasSpool ? 1_000 : 32_768)
        var captured = 0
        for round in 0..<10 {
            for trouble in TroubledBackend.Trouble.allCases.shuffled() {
                try await backend.change(to: trouble)
                capture(20, tracker, from: captured)
                captured += 20
                // The trouble lasts until it has had an effect; a dead backend can't report one.
                let (seen, retried) = (backend.requests, tracker.statistics.retried)
                try await eventually("a try in round \(round) with \(trouble)") {
                    backend.requests > seen || tracker.statistics.retried > retried || tracker.statistics.pending == 0
                        || trouble == .killed && lines.all.contains { $0.contains("can't deliver") }
                }
                #expect(adds(tracker.statistics))
            }
        }
        try await backend.change(to: .none)
        try await eventually("the last event") { tracker.statistics.pending + tracker.statistics.spooled == 0 }
        let statistics = tracker.statistics
        #expect(backend.accepted.count == captured)
        #expect(adds(statistics))
        #expect(statistics.delivered == captured, "\(statistics)")
        #expect(backend.accepted.values.allSatisfy { $0.count == 1 })
        if hasSpool { try await eventually("an empty spool") { folder.names(in: "spool").isEmpty } }
        await tracker.shutdown()
        backend.stop()
    }

    @Test("that stays away costs no more memory than the limits say, and the oldest on disk goes first")
    func longOutage() async throws {
        let folder = try TemporaryFolder("outage")
        let backend = try TroubledBackend(takesLines: false)
        try await backend.change(to: .killed)
        let lines = LogLines()
        var configuration = try TrackerConfiguration(
            projectID: "p", projectToken: "t", backendEndpoint: backend.endpoint)
        configuration.retryPolicy.base = .milliseconds(5)
        configuration.retryPolicy.cap = .milliseconds(40)
        configuration.queueCapacity = 500
        configuration.spoolDirectory = folder.path + "/spool"
        configuration.spoolMaximumBytes = 2 << 20
        configuration.logHandler = { lines.append($0) }
        let tracker = try Tracker(configuration: configuration)
        for batch in 0..<200 {
            capture(50, tracker, from: batch * 50)
            try await eventually("room in memory") { tracker.statistics.pending < 400 }
            #expect(adds(tracker.statistics))
        }
        try await eventually("the disk") { tracker.statistics.pending < 100 }
        let statistics = tracker.statistics
        #expect(statistics.captured == 10_000)
        #expect((statistics.dropped[.spoolLimit] ?? 0) > 5_000)
        #expect(statistics.dropped[.queueFull] == nil)
        let size = folder.names(in: "spool").reduce(0) { sum, name in
            let path = "\(folder.path)/spool/\(name)"
            return sum + ((try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0)
        }
        #expect(size <= 2 << 20)
        try await backend.change(to: .none)
        try await eventually("what is left") { tracker.statistics.pending + tracker.statistics.spooled == 0 }
        #expect(tracker.statistics.delivered == backend.accepted.count)
        // The newest remain, besides the segment that the probes come from.
        let (older, newer) = (0..<5_000, 5_000..<10_000)
        func remaining(_ numbers: Range<Int>) -> Int { numbers.count { backend.accepted["\($0)"] != nil } }
        #expect(backend.accepted["9999"] != nil && remaining(older) < remaining(newer) / 2)
        let recovery = try #require(lines.all.first { $0.contains("the backend is back after") })
        #expect(recovery.contains("spool_limit"))
        await tracker.shutdown()
        backend.stop()
    }
}
