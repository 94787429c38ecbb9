import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

/// Never completes a payload, like a backend that does not answer.
struct BlackHole: EventTransport {
    final class Session: TransportSession {
        let maximumInFlight = 4
        func start(_ payload: DeliveryPayload) {}
        func wait(atMost limit: Duration) -> [DeliveryCompletion] {
            Thread.sleep(forTimeInterval: Double(limit.nanoseconds) / 1e9)
            return []
        }
        func cancel() {}
    }
    func open() throws(TransportUnavailable) -> any TransportSession { Session() }
}

/// Blocks the delivery thread itself, as a defective transport would.
private struct Stuck: EventTransport {
    let gate = DispatchSemaphore(value: 0)
    func open() throws(TransportUnavailable) -> any TransportSession {
        gate.wait()
        return ImmediateSession { DeliveryCompletion(identifier: $0.identifier, outcome: .delivered) }
    }
}

/// Ignores how long it may wait.
private struct Deaf: EventTransport {
    final class Session: TransportSession {
        let isWaiting: DispatchSemaphore
        let gate: DispatchSemaphore
        init(_ isWaiting: DispatchSemaphore, _ gate: DispatchSemaphore) {
            self.isWaiting = isWaiting
            self.gate = gate
        }

        let maximumInFlight = 1
        func start(_ payload: DeliveryPayload) {}
        func wait(atMost limit: Duration) -> [DeliveryCompletion] {
            isWaiting.signal()
            gate.wait()
            return []
        }
        func cancel() {}
    }

    let isWaiting = DispatchSemaphore(value: 0)
    let gate = DispatchSemaphore(value: 0)
    func open() throws(TransportUnavailable) -> any TransportSession { Session(isWaiting, gate) }
}

private struct Missing: EventTransport {
    func open() throws(TransportUnavailable) -> any TransportSession {
        throw TransportUnavailable("install the library")
    }
}

/// Fails to open the first two times.
private struct Late: EventTransport {
    let opened: Counter
    final class Counter: Sendable {
        let count: Mutex<Int>
        init() { count = Mutex(0) }
    }
    func open() throws(TransportUnavailable) -> any TransportSession {
        let number = opened.count.withLock { count -> Int in
            count += 1
            return count
        }
        guard number > 2 else { throw TransportUnavailable("not yet") }
        return ImmediateSession { DeliveryCompletion(identifier: $0.identifier, outcome: .delivered) }
    }
}

@Suite("A tracker whose transport fails")
struct FaultyTransportTests {
    @Test("keeps its shutdown deadline, and loses nothing uncounted", arguments: [true, false])
    func shutdownDeadline(isThreadStuck: Bool) throws {
        let stuck = Stuck()
        let subject = try Subject(transport: isThreadStuck ? stuck : BlackHole())
        for _ in 0..<100 { subject.request() }
        let started = ContinuousClock.now
        let result = subject.tracker.shutdown(timeout: .milliseconds(200))
        let took = ContinuousClock.now - started
        #expect(result == FlushResult(delivered: 0, spooled: 0, dropped: 100, pending: 0))
        // Generous, for a busy machine; without the deadline it would never end.
        #expect(took < .seconds(5))
        subject.request()
        #expect(subject.tracker.statistics.captured == 101)
        #expect(subject.tracker.statistics.dropped == [.shutdown: 101])
        #expect(subject.tracker.shutdown(timeout: .seconds(9)).pending == 0)
        stuck.gate.signal()
        #expect(subject.tracker.statistics.addsUp)
    }

    @Test(
        "holds up no other tracker of the process while code of the app's blocks its delivery",
        arguments: ["opening", "waiting", "hook"])
    func others(place: String) throws {
        let (stuck, deaf, isInHook) = (Stuck(), Deaf(), DispatchSemaphore(value: 0))
        let blocked: Subject
        if place == "hook" {
            blocked = try Subject(transport: nil) {
                $0.beforeSend = { _ in
                    isInHook.signal()
                    stuck.gate.wait()
                    return false
                }
            }
        } else {
            blocked = try Subject(transport: place == "opening" ? stuck : deaf)
        }
        blocked.request()
        if place == "waiting" { deaf.isWaiting.wait() }
        if place == "hook" { isInHook.wait() }
        let backend = try ScriptedBackend()
        let endpoint = try #require(BackendEndpoint(backend.endpoint))
        let other = try Subject(transport: nil) { $0.backendEndpoint = endpoint }
        other.request()
        // Generous, for a busy machine; it would never end.
        #expect(other.tracker.shutdown(timeout: .seconds(10)).dropped == 0)
        #expect(backend.received.count == 1)
        stuck.gate.signal()
        deaf.gate.signal()
        _ = blocked.tracker.shutdown(timeout: .zero)
        deaf.gate.signal()
        backend.stop()
    }

    @Test("ends a flush at its deadline and keeps running")
    func flushDeadline() throws {
        let subject = try Subject(transport: BlackHole())
        subject.request()
        #expect(subject.tracker.flush(timeout: .milliseconds(50)).pending == 1)
        subject.request()
        #expect(subject.tracker.statistics.pending == 2)
        subject.tracker.shutdown(timeout: .zero)
    }

    @Test("repeats a failed delivery under the same key")
    func retries() throws {
        let left = Mutex(3)
        let transport = InMemoryTransport { _ in
            left.withLock { left in
                left -= 1
                return left >= 0 ? .retry(after: nil, because: "down") : .delivered
            }
        }
        let subject = try Subject(transport: transport)
        subject.request()
        #expect(subject.tracker.flush().isComplete)
        #expect(transport.payloads.count == 4)
        #expect(Set(transport.payloads.map(\.idempotencyKey)).count == 1)
        #expect(subject.tracker.statistics.retried == 3)
        #expect(subject.lines.all.contains { $0.contains("can't deliver: down") })
        #expect(subject.lines.all.contains { $0.contains("the backend is back after") })
    }

    @Test("waits as long as the backend asked, even when flushed")
    func retryAfter() throws {
        let transport = InMemoryTransport { _ in .retry(after: .seconds(100), because: "429") }
        let subject = try Subject(transport: transport)
        for _ in 0..<100 { subject.request() }
        #expect(subject.tracker.flush(timeout: .milliseconds(100)).pending == 100)
        #expect(transport.payloads.count <= 64)
        subject.tracker.shutdown(timeout: .seconds(1))
        #expect(transport.payloads.count <= 64)
        #expect(subject.tracker.statistics.dropped == [.shutdown: 100])
    }

    @Test("sends a single probe while the backend is down")
    func probes() async throws {
        let transport = InMemoryTransport { _ in .retry(after: nil, because: "down") }
        let subject = try Subject(transport: transport)
        subject.request()
        try await eventually("the first failure") { !transport.payloads.isEmpty }
        for _ in 0..<200 { subject.request() }
        let before = transport.payloads.count
        try await eventually("more tries") { transport.payloads.count >= before + 12 }
        await subject.tracker.shutdown(timeout: .zero)
        #expect(subject.tracker.statistics.captured == 201)
        // Each is tried three times before the next one: the 200 later ones wait.
        let payloads = transport.payloads
        #expect(Set(payloads.map(\.idempotencyKey)).count <= payloads.count / 3 + 1)
    }

    @Test("gives up an event that keeps failing while others go through")
    func poison() throws {
        let transport = InMemoryTransport { payload in
            String(decoding: payload.body, as: UTF8.self).contains("\"poison\"")
                ? .retry(after: nil, because: "500") : .delivered
        }
        let subject = try Subject(transport: transport)
        // Synchronous, because no others would go through while this test waited for a thread.
        subject.request("poison")
        var others = 0
        let deadline = ContinuousClock.now + .seconds(60)
        while subject.tracker.statistics.dropped.isEmpty, ContinuousClock.now < deadline {
            subject.request()
            others += 1
            subject.tracker.flush(timeout: .milliseconds(10))
        }
        #expect(subject.tracker.statistics.dropped == [.retriesExhausted: 1])
        #expect(subject.tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(subject.tracker.statistics.delivered == others)
    }

    @Test("counts events and says what to do if nothing can be sent")
    func unavailable() throws {
        let subject = try Subject(transport: Missing())
        for _ in 0..<10 { subject.request() }
        #expect(subject.tracker.flush().isComplete)
        #expect(subject.tracker.statistics.dropped == [.transportUnavailable: 10])
        #expect(subject.lines.all == ["[error] install the library"])
    }

    @Test("retries if nothing can be sent at first, and keeps its events until then")
    func availableLater() async throws {
        let opened = Late.Counter()
        let subject = try Subject(transport: Late(opened: opened))
        for _ in 0..<10 { subject.request() }
        try await eventually("the third try") { opened.count.withLock { $0 } >= 3 }
        try await eventually("all events") { subject.tracker.statistics.delivered == 10 }
        #expect(subject.tracker.statistics.dropped.isEmpty)
        #expect(subject.lines.all.count == 1)
    }
}
