import Foundation
import TestSupport
import Testing

@Suite("A backend that fails in part")
struct BackendFailureTests {
    @Test("with 503 gets nearly all events soon", arguments: [10, 25, 50])
    func shareOfFailures(percent: Int) async throws {
        let sink = try EventSink(
            script: EventSink.share(
                percent, .status(503, after: .milliseconds(20)), others: .status(200, after: .milliseconds(20))))
        let sender = try Sender("share", endpoint: sink.endpoint)
        try await sender.ask("pace 200 3")
        // Three seconds plus the default shutdown, as on an idle machine.
        try? await eventually(within: .seconds(3)) { sink.taken == 600 }
        try await sender.ask("shutdown")
        let counts = try await sender.counts()
        #expect(counts.delivered >= 594, "\(counts)")
        #expect(sink.tally.delivered.count == counts.delivered)
        #expect(sink.tally.underTwoKeys.isEmpty)
        #expect(try await sender.finish() == 0)
    }

    @Test("with closed connections gets nearly all events soon", arguments: [EventSink.Answer.closes, .resets])
    func shareOfClosedConnections(ending: EventSink.Answer) async throws {
        let sink = try EventSink(
            script: EventSink.share(20, ending, others: .status(200, after: .milliseconds(20))))
        let sender = try Sender("ended", endpoint: sink.endpoint)
        try await sender.ask("pace 200 2")
        try? await eventually(within: .seconds(3)) { sink.taken == 400 }
        try await sender.ask("shutdown")
        let counts = try await sender.counts()
        #expect(counts.delivered >= 396, "\(counts)")
        #expect(sink.tally.underTwoKeys.isEmpty)
        #expect(try await sender.finish() == 0)
    }

    @Test(
        "with answers of somebody in between loses nothing",
        arguments: [(302, "Location: https://maintenance.test/"), (407, "Proxy-Authenticate: Basic"), (401, "X: y")])
    func maintenance(status: Int, field: String) async throws {
        let sink = try EventSink { _ in .status(status, field) }
        let sender = try Sender("held", endpoint: sink.endpoint, settings: ["RETRY_CAP": "500"])
        try await sender.ask("pace 100 2")
        let held = try await sender.counts()
        #expect(held.dropped == 0 && held.pending == 200, "\(held)")
        // They wait, instead of being retried over and over.
        #expect(sink.requests < 200)
        #expect(sender.process.errors.contains("\(status)"))
        sink.answer { _ in .status(200) }
        try await eventually(within: .seconds(20), "all events") {
            _ = try await sender.ask("flush 1")
            return sink.taken == 200
        }
        let counts = try await sender.counts()
        #expect(counts.delivered == 200 && counts.dropped == 0, "\(counts)")
        #expect(sink.tally.underTwoKeys.isEmpty)
        #expect(try await sender.finish() == 0)
    }

    @Test("is not contacted for as long as it asks", arguments: [429, 503])
    func retryAfter(status: Int) async throws {
        let sink = try EventSink { request in
            request.number == 20 ? .status(status, "Retry-After: 2") : .status(200, after: .milliseconds(5))
        }
        let sender = try Sender("after", endpoint: sink.endpoint, settings: ["RETRY_CAP": "100"])
        try await sender.ask("pace 100 1")
        // A flush does not cut the wait short.
        try await sender.ask("flush 1")
        try await sender.ask("flush 20")
        let received = sink.received
        let asked = try #require(received.first { $0.status == status }).time
        // Requests already in flight may still arrive.
        let tooEarly = received.filter { $0.time > asked + 300_000_000 && $0.time < asked + 1_950_000_000 }
        #expect(tooEarly.isEmpty, "\(tooEarly.map { ($0.time - asked) / 1_000_000 }) ms")
        #expect(sink.taken == 100)
        #expect(sink.tally.underTwoKeys.isEmpty)
        #expect(try await sender.finish() == 0)
    }

    @Test("whose answers' bodies take forever does not hold the places")
    func drippingBodies() async throws {
        let sink = try EventSink { _ in .drips(200, bytes: 1000, every: .milliseconds(50)) }
        let sender = try Sender("drip", endpoint: sink.endpoint, settings: ["RA_MAXIMUM_CONNECTIONS": "2"])
        try await sender.ask("capture 30")
        // A whole body takes 50 s, a request times out after 10 s, and there are two connections.
        #expect(try await sender.ask("flush 20").hasSuffix("dropped 0 pending 0"))
        #expect(sink.tally.delivered.count == 30)
        let counts = try await sender.counts()
        #expect(sink.requests == 30 && counts.retried == 0, "\(counts) \(sender.process.errors)")
        #expect(try await sender.finish() == 0)
    }

    @Test("whose answers' bodies take forever, or answers long to come, gets each event once")
    func drippingAndSlow() async throws {
        let sink = try EventSink { request in
            request.number % 2 == 0
                ? .drips(200, bytes: 1000, every: .milliseconds(50)) : .status(200, after: .milliseconds(400))
        }
        let sender = try Sender("slow", endpoint: sink.endpoint, settings: ["RA_MAXIMUM_CONNECTIONS": "4"])
        try await sender.ask("capture 40")
        #expect(try await sender.ask("flush 30").hasSuffix("dropped 0 pending 0"))
        let counts = try await sender.counts()
        #expect(sink.requests == 40 && counts.retried == 0, "\(counts) \(sender.process.errors)")
        #expect(sink.tally.delivered.count == 40)
        #expect(try await sender.finish() == 0)
    }

    @Test("that refuses an event, and never ends its answer, has refused it")
    func unfinishedRefusal() async throws {
        let sink = try EventSink { _ in .drips(400, bytes: 1000, every: .milliseconds(50)) }
        let sender = try Sender("refused", endpoint: sink.endpoint, settings: ["RA_REQUEST_TIMEOUT": "500ms"])
        try await sender.ask("capture 3")
        #expect(try await sender.ask("flush 20").hasSuffix("pending 0"))
        let counts = try await sender.counts()
        #expect(counts.dropped == 3 && counts.retried == 0 && sink.requests == 3, "\(counts)")
        #expect(sender.process.errors.contains("400"))
        #expect(try await sender.finish() == 0)
    }

    @Test("that never ends its answer's trailer section gets each event once")
    func unfinishedTrailers() async throws {
        let backend = try ScriptedBackend { _ in
            .unfinished("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nC: d\r\n")
        }
        let sender = try Sender("trailer", endpoint: backend.endpoint, settings: ["RA_MAXIMUM_CONNECTIONS": "2"])
        for round in 1...4 {
            try await sender.ask("capture 5")
            #expect(try await sender.ask("flush 20").hasSuffix("dropped 0 pending 0"))
            #expect(backend.received.count == 5 * round)
        }
        #expect(Set(backend.received.compactMap { $0.headers["idempotency-key"] }).count == 20)
        #expect(try await sender.finish() == 0)
        backend.stop()
    }

    @Test("that disappears silently gets everything over new connections")
    func halfOpen() async throws {
        let sink = try EventSink()
        let relay = try Relay(to: sink.port)
        let sender = try Sender(
            "half", endpoint: relay.endpoint, settings: ["RA_REQUEST_TIMEOUT": "1s", "RETRY_CAP": "200"])
        try await sender.ask("capture 20")
        #expect(try await sender.ask("flush 20").hasSuffix("pending 0"))
        for number in 0..<relay.counts.accepted { relay.set(.init(isHalfOpen: true), of: number) }
        try await sender.ask("capture 100")
        #expect(try await sender.ask("flush 30").hasSuffix("dropped 0 pending 0"))
        #expect(sink.tally.delivered.count == 120)
        #expect(sink.tally.underTwoKeys.isEmpty)
        #expect(try await sender.finish() == 0)
    }

    @Test("gets everything over connections that die at any byte, or trickle")
    func dyingConnections() async throws {
        let sink = try EventSink()
        let relay = try Relay(to: sink.port) { number in
            switch number % 4 {
            case 0: .init(resetAfter: 1 + number * 37 % 5000)
            case 1: .init(delay: .milliseconds(3), resetAfter: 800 + number * 101 % 9000)
            case 2: .init(trickle: .init(bytes: 500, every: .milliseconds(1)))
            default: .init(isRefused: number % 8 == 3)
            }
        }
        let sender = try Sender("dying", endpoint: relay.endpoint, settings: ["RETRY_CAP": "50"])
        try await sender.ask("capture 300")
        try await eventually(within: .seconds(30), "all events") {
            _ = try await sender.ask("flush 1")
            return sink.tally.delivered.count == 300
        }
        let counts = try await sender.counts()
        #expect(counts.dropped == 0, "\(counts)")
        #expect(sink.tally.underTwoKeys.isEmpty)
        #expect(try await sender.finish() == 0)
    }
}
