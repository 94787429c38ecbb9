import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

/// A tracker that posts to a scripted backend.
private struct Posting {
    let tracker: Tracker
    let lines = LogLines()

    init(_ endpoint: String, _ change: (inout TrackerConfiguration) -> Void = { _ in }) throws {
        var configuration = try TrackerConfiguration(
            projectID: "my project", projectToken: "tok-s3cr3t", backendEndpoint: endpoint)
        configuration.retryPolicy.base = .milliseconds(1)
        configuration.retryPolicy.cap = .milliseconds(30)
        let lines = lines
        configuration.logHandler = { lines.append($0) }
        change(&configuration)
        tracker = try Tracker(configuration: configuration)
    }

    func request(_ number: Int = 0) {
        tracker.begin(RequestSnapshot(method: "GET", target: "/\(number)", headers: RequestHeaders([("Host", "h")])))?
            .finish(status: 200, viewName: "v")
    }
}

@Suite("Delivery over HTTP", .serialized)
struct HTTPTransportTests {
    @Test("posts each event as the wire format says, over few connections")
    func posts() async throws {
        let backend = try ScriptedBackend()
        let posting = try Posting(backend.endpoint + "/base/") { $0.maximumConnections = 8 }
        for number in 0..<200 { posting.request(number) }
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(posting.tracker.statistics.delivered == 200)
        let received = backend.received
        #expect(received.count == 200)
        #expect(backend.connections <= 8)
        let first = try #require(received.first)
        #expect(first.line == "POST /base/my%20project HTTP/1.1")
        #expect(first.headers["content-type"] == "application/json")
        #expect(first.headers["expect"] == nil)
        #expect(first.headers["user-agent"] == "rigidanalytics-tracker-swift/\(TrackerVersion.current)")
        #expect(Set(received.compactMap { $0.headers["idempotency-key"] }).count == 200)
        let urls = try received.map { try EventEncoderTests.eventData($0.body)["full_url"] as? String }
        #expect(Set(urls) == Set((0..<200).map { "http://h/\($0)" }))
        await posting.tracker.shutdown(timeout: .seconds(2))
        backend.stop()
    }

    @Test("keeps events that arrive before the backend does, and delivers them then")
    func backendDownAtStart() async throws {
        let unused = try ScriptedBackend()
        unused.stop()
        try await eventually("the port to be free") {
            (try? ScriptedBackend(port: unused.port)).map { $0.stop() } != nil
        }
        let posting = try Posting(unused.endpoint)
        for number in 0..<50 { posting.request(number) }
        try await eventually("a failure") { posting.lines.all.contains { $0.contains("can't deliver") } }
        #expect(posting.tracker.statistics.pending == 50)
        var started: ScriptedBackend?
        try await eventually("the port to be free again") {
            started = try? ScriptedBackend(port: unused.port)
            return started != nil
        }
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(posting.tracker.statistics.delivered == 50)
        #expect(posting.lines.all.contains { $0.contains("the backend is back after") })
        await posting.tracker.shutdown(timeout: .seconds(2))
        started?.stop()
    }

    @Test("retries after 429 and 503, under the same key, and honours Retry-After")
    func retries() async throws {
        let backend = try ScriptedBackend { request in
            switch request.connection {
            case 0: .raw("HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            case 1: .raw("HTTP/1.1 503 Down\r\nRetry-After: soon\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            case 2: .close
            default: .status(204)
            }
        }
        let posting = try Posting(backend.endpoint) { $0.maximumConnections = 1 }
        posting.request()
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(backend.received.count == 4)
        #expect(Set(backend.received.compactMap { $0.headers["idempotency-key"] }).count == 1)
        backend.stop()
    }

    @Test("sends again at once, once, when a kept connection turns out to be closed")
    func staleConnection() async throws {
        let backend = try ScriptedBackend { request in
            // Answers the first request of the first connection, and closes it on the second without a response.
            request.connection == 0 && request.text.contains("/1\"") ? .close : .status(200)
        }
        let posting = try Posting(backend.endpoint) {
            $0.maximumConnections = 1
            $0.retryPolicy.base = .seconds(30)
            $0.retryPolicy.cap = .seconds(30)
        }
        posting.request(0)
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        posting.request(1)
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(posting.tracker.statistics.delivered == 2)
        #expect(backend.connections == 2)
        let keys = backend.received.compactMap { $0.headers["idempotency-key"] }
        #expect(keys.count == 3 && keys[1] == keys[2])
        #expect(posting.tracker.statistics.retried == 0)
        #expect(posting.lines.all.isEmpty)
        await posting.tracker.shutdown()
        backend.stop()
    }

    @Test("does not follow a redirect, says what to change, and delivers once it is over", arguments: [302, 307, 407])
    func redirect(status: Int) async throws {
        let other = try ScriptedBackend()
        let isOver = Mutex(false)
        let backend = try ScriptedBackend { _ in
            isOver.withLock { $0 } ? .status(200) : .status(status, headers: ["Location: \(other.endpoint)/p"])
        }
        let posting = try Posting(backend.endpoint)
        for number in 0..<20 { posting.request(number) }
        try await eventually("a line") {
            posting.lines.all.contains {
                $0.contains("\(status)") && $0.contains(status == 407 ? "proxy" : "RA_BACKEND_ENDPOINT")
            }
        }
        #expect(posting.tracker.statistics.pending == 20)
        isOver.withLock { $0 = true }
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(posting.tracker.statistics.delivered == 20)
        #expect(other.received.isEmpty)
        backend.stop()
        other.stop()
    }

    @Test("says once which setting is wrong after 401, 403 and 404, and keeps the events", arguments: [401, 403, 404])
    func refused(status: Int) async throws {
        let backend = try ScriptedBackend { _ in .status(status) }
        let posting = try Posting(backend.endpoint)
        for number in 0..<20 { posting.request(number) }
        try await eventually("several tries") { backend.received.count > 10 }
        #expect(posting.lines.all.filter { $0.hasPrefix("[error]") }.count == 1)
        #expect(posting.lines.all.contains { $0.contains("the backend answered \(status): check RA_PROJECT") })
        #expect(posting.tracker.statistics.pending == 20)
        await posting.tracker.shutdown(timeout: .zero)
        backend.stop()
    }

    @Test("gives up what the backend calls unacceptable, with a count")
    func rejected() async throws {
        let backend = try ScriptedBackend { _ in .status(400) }
        let posting = try Posting(backend.endpoint)
        for number in 0..<10 { posting.request(number) }
        #expect(await posting.tracker.flush().isComplete)
        #expect(posting.tracker.statistics.dropped == [.rejected: 10])
        backend.stop()
    }

    @Test("does not wait for the rest of a response that is longer than a mebibyte")
    func endlessAnswer() async throws {
        let body = String(repeating: "x", count: 1_200_000)
        let backend = try ScriptedBackend { _ in
            .unfinished("HTTP/1.1 400 Bad Request\r\nContent-Length: 9000000\r\n\r\n\(body)")
        }
        let posting = try Posting(backend.endpoint) { $0.requestTimeout = .seconds(300) }
        posting.request(0)
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(posting.tracker.statistics.dropped == [.rejected: 1])
        backend.stop()
    }

    @Test("ends in time although the backend never answers")
    func blackHole() throws {
        let backend = try ScriptedBackend { _ in .silence }
        let posting = try Posting(backend.endpoint)
        for number in 0..<100 { posting.request(number) }
        let started = ContinuousClock.now
        // Synchronous, because other tests could delay this one's thread after an `await`.
        let result = posting.tracker.shutdown(timeout: .milliseconds(300))
        #expect(result.dropped == 100)
        #expect(ContinuousClock.now - started < .seconds(5))
        backend.stop()
    }

    @Test("tries again when an answer takes longer than the request's time-out")
    func timeout() async throws {
        let backend = try ScriptedBackend { request in
            request.connection == 0 ? .silence : .status(200)
        }
        let posting = try Posting(backend.endpoint) { $0.requestTimeout = .milliseconds(100) }
        posting.request()
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(posting.tracker.statistics.delivered == 1)
        #expect(posting.tracker.statistics.retried >= 1)
        backend.stop()
    }

    @Test(
        "survives answers that are no HTTP, and endless ones",
        arguments: [
            "garbage\r\n\r\n", "HTTP/1.1 999999 X\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "",
        ])
    func garbage(answer: String) async throws {
        let backend = try ScriptedBackend { $0.connection < 2 ? .raw(answer) : .status(200) }
        let posting = try Posting(backend.endpoint) { $0.maximumConnections = 1 }
        for number in 0..<5 { posting.request(number) }
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(posting.tracker.statistics.delivered == 5)
        backend.stop()
    }

    @Test("sends lines to a backend that says it takes them")
    func lines() async throws {
        let backend = try ScriptedBackend { _ in .status(200, headers: ["Accept-Post: application/x-ndjson"]) }
        let posting = try Posting(backend.endpoint)
        posting.request(0)
        #expect(await posting.tracker.flush().isComplete)
        for number in 1...1200 { posting.request(number) }
        #expect(await posting.tracker.flush().isComplete)
        let batches = backend.received.filter { $0.headers["content-type"] == "application/x-ndjson" }
        let lines = batches.flatMap { $0.text.split(separator: "\n") }
        #expect(batches.count <= 10)
        #expect(lines.count + (backend.received.count - batches.count) == 1201)
        #expect(batches.allSatisfy { $0.text.split(separator: "\n").count <= 500 })
        backend.stop()
    }

    @Test("finds the one bad event of a batch, and delivers the others")
    func splitsBatch() async throws {
        let backend = try ScriptedBackend { request in
            request.text.contains("/77\"") && request.headers["content-type"] != nil
                ? .status(400, headers: ["Accept-Post: application/x-ndjson"])
                : .status(200, headers: ["Accept-Post: application/x-ndjson"])
        }
        let posting = try Posting(backend.endpoint)
        posting.request(0)
        #expect(await posting.tracker.flush().isComplete)
        for number in 1...300 { posting.request(number) }
        #expect(await posting.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(posting.tracker.statistics.delivered == 300)
        #expect(posting.tracker.statistics.dropped == [.rejected: 1])
        backend.stop()
    }
}
