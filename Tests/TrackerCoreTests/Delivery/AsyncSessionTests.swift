import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

/// The kernel's file with the name of the thread that reads it.
private let ownName = "/proc/thread-self/comm"

@Suite("A session of asynchronous sends")
struct AsyncSessionTests {
    private struct Transport: EventTransport {
        let maximum: Int
        let send: @Sendable (DeliveryPayload) async -> DeliveryCompletion
        func open() throws(TransportUnavailable) -> any TransportSession {
            AsyncSession(maximumInFlight: maximum, send: send)
        }
    }

    private func tracker(_ transport: any EventTransport) throws -> Tracker {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        configuration.logHandler = { _ in }
        configuration.retryPolicy.base = .milliseconds(1)
        return try Tracker(configuration: configuration, transport: transport)
    }

    private func request(_ tracker: Tracker) {
        tracker.begin(RequestSnapshot(method: "GET", target: "/", host: "h", headers: RequestHeaders([])))?
            .finish(status: 200, viewName: nil)
    }

    @Test("delivers each event once, with no more in flight than allowed")
    func delivers() async throws {
        let state = Mutex<(now: Int, most: Int, keys: Set<String>)>((0, 0, []))
        let tracker = try tracker(
            Transport(maximum: 4) { payload in
                state.withLock {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                }
                await Task.yield()
                state.withLock {
                    $0.now -= 1
                    _ = $0.keys.insert(payload.idempotencyKey)
                }
                return DeliveryCompletion(of: payload, status: 200)
            })
        for _ in 0..<500 { request(tracker) }
        #expect(await tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(tracker.statistics.delivered == 500)
        #expect(state.withLock { $0.keys.count == 500 && $0.most <= 4 })
    }

    @Test(
        "sends on a thread of its own, which blocked threads of the cooperative pool do not hold up",
        .enabled(if: FileManager.default.fileExists(atPath: ownName), "needs /proc/thread-self"))
    func ownThread() async throws {
        let names = Mutex<[String?]>([])
        let tracker = try tracker(
            Transport(maximum: 2) { payload in
                let first = Self.threadName()
                async let child = Self.threadName()
                let all = await [first, child]
                await Task.yield()
                names.withLock { $0 = all + [Self.threadName()] }
                return DeliveryCompletion(of: payload, status: 200)
            })
        request(tracker)
        #expect(await tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(names.withLock { $0 } == ["ra-transport", "ra-transport", "ra-transport"])
    }

    private static func threadName() -> String? {
        (try? String(contentsOfFile: ownName, encoding: .utf8))?.trimmingCharacters(in: .newlines)
    }

    @Test("takes an answer for what it means")
    func answers() async throws {
        let statuses = Mutex([503, 413, 200])
        let tracker = try tracker(
            Transport(maximum: 1) { payload in
                let status = statuses.withLock { $0.isEmpty ? 200 : $0.removeFirst() }
                return DeliveryCompletion(of: payload, status: status)
            })
        for _ in 0..<3 { request(tracker) }
        #expect(await tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(tracker.statistics.retried == 1 && tracker.statistics.delivered == 2)
        #expect(tracker.statistics.dropped == [.rejected: 1])
    }

    @Test("learns from an answer what the backend takes, and when to come back")
    func headers() {
        let payload = DeliveryPayload(
            identifier: 7, body: [], contentType: DeliveryPayload.jsonType,
            key: ParcelKey(EventIdentifierGenerator().next()), eventCount: 1)
        let completion = DeliveryCompletion(
            of: payload, status: 429, retryAfter: "3", acceptPost: "application/x-ndjson")
        #expect(completion.identifier == 7 && completion.acceptsLines && completion.retryAfter == .seconds(3))
        #expect(completion.outcome == .retry(after: .seconds(3), because: "the backend answered 429"))
    }

    @Test("cancels what is in flight, without results")
    func cancels() async throws {
        let ended = Mutex(0)
        let session = AsyncSession { payload in
            try? await Task.sleep(for: .seconds(600))
            ended.withLock { $0 += 1 }
            return DeliveryCompletion(of: payload, status: 200)
        }
        let key = ParcelKey(EventIdentifierGenerator().next())
        for number: UInt64 in 0..<3 {
            session.start(
                DeliveryPayload(
                    identifier: number, body: [], contentType: DeliveryPayload.jsonType, key: key, eventCount: 1))
        }
        session.cancel()
        try await eventually("the end of the tasks") { ended.withLock { $0 == 3 } }
        #expect(session.wait(atMost: .milliseconds(1)).isEmpty)
    }
}
