import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

/// A backend that does not answer until it is told to.
private final class SilentBackend: EventTransport {
    let answers = Mutex(false)
    let bodies = Mutex<[[UInt8]]>([])

    final class Session: TransportSession {
        let backend: SilentBackend
        var waiting: [DeliveryPayload] = []
        init(_ backend: SilentBackend) { self.backend = backend }

        let maximumInFlight = 4
        func start(_ payload: DeliveryPayload) { waiting.append(payload) }
        func cancel() { waiting.removeAll() }
        func wait(atMost limit: Duration) -> [DeliveryCompletion] {
            guard backend.answers.withLock({ $0 }) else {
                Thread.sleep(forTimeInterval: Double(limit.nanoseconds) / 1e9)
                return []
            }
            defer { waiting.removeAll() }
            backend.bodies.withLock { $0 += waiting.map(\.body) }
            return waiting.map { DeliveryCompletion(identifier: $0.identifier, outcome: .delivered) }
        }
    }

    func open() throws(TransportUnavailable) -> any TransportSession { Session(self) }
}

/// An object of the app that a request references; counts its living instances.
private final class Tied: Sendable {
    static let living = Mutex(0)
    init() { Self.living.withLock { $0 += 1 } }
    deinit { Self.living.withLock { $0 -= 1 } }
}

@Suite("A silent backend", .serialized)
struct SilentBackendTests {
    private static func fill(_ tracker: Tracker, _ numbers: Range<Int>) {
        for number in numbers {
            let tied = Tied()
            let headers = RequestHeaders(cookie: nil) {
                _ = tied
                return [("Host", "h")]
            }
            tracker.begin(RequestSnapshot(method: "GET", target: "/\(number)", headers: headers))?
                .finish(status: 200, viewName: "n\(number)")
        }
    }

    @Test("does not keep the app's requests in memory, and gets their events in order later")
    func encodesAhead() async throws {
        let backend = SilentBackend()
        let tracker = try Tracker(
            configuration: try TrackerConfiguration(projectID: "p", projectToken: "t"), transport: backend)
        Self.fill(tracker, 0..<1000)
        // At most one partial chunk of the queue remains, plus the chunk being read.
        try await eventually("letting go") { Tied.living.withLock { $0 } <= 2 * EventQueue.chunkSize }
        Self.fill(tracker, 1000..<1010)
        #expect(tracker.statistics.captured == 1010 && tracker.statistics.pending == 1010)
        // An event being encoded counts as in flight for that moment.
        try await eventually("rest") { tracker.statistics.inFlight == 4 && tracker.statistics.queued == 1006 }
        backend.answers.withLock { $0 = true }
        // Some may be delivered before the flush begins, and are not in its count.
        #expect(await tracker.flush(timeout: TestTimeout.standard).isComplete)
        #expect(tracker.statistics.delivered == 1010)
        let bodies = backend.bodies.withLock { $0.map { String(decoding: $0, as: UTF8.self) } }
        #expect(bodies.count == 1010)
        for (number, body) in bodies.enumerated() { #expect(body.contains("\"view_name\":\"n\(number)\"")) }
        #expect(tracker.statistics.pending == 0)
        await tracker.shutdown()
        #expect(Tied.living.withLock { $0 } == 0)
    }

    @Test("costs no event uncounted at a shutdown, whether it was encoded or not")
    func shutdown() async throws {
        let tracker = try Tracker(
            configuration: try TrackerConfiguration(projectID: "p", projectToken: "t"), transport: SilentBackend())
        Self.fill(tracker, 0..<500)
        try await eventually("letting go") { Tied.living.withLock { $0 } <= 2 * EventQueue.chunkSize }
        Self.fill(tracker, 500..<700)
        let result = await tracker.shutdown(timeout: .milliseconds(100))
        #expect(result.dropped == 700 && result.pending == 0)
        #expect(tracker.statistics.dropped == [.shutdown: 700])
    }

    @Test("is not sped up by a flush that has timed out")
    func timedOutFlush() async throws {
        let tracker = try Tracker(
            configuration: try TrackerConfiguration(projectID: "p", projectToken: "t"), transport: SilentBackend())
        Self.fill(tracker, 0..<1)
        #expect(await tracker.flush(timeout: .milliseconds(1)).pending == 1)
        #expect(tracker.mailbox?.orders(reporting: DeliveryStatus()).isAwaited == false)
        await tracker.shutdown(timeout: .zero)
    }

    @Test("leaves all its events to the spool at a shutdown, in order")
    func spool() async throws {
        let folder = try TemporaryFolder()
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        configuration.spoolDirectory = folder.path
        let first = try Tracker(configuration: configuration, transport: SilentBackend())
        Self.fill(first, 0..<500)
        try await eventually("letting go") { Tied.living.withLock { $0 } <= 2 * EventQueue.chunkSize }
        Self.fill(first, 500..<520)
        // Events that have waited for a second were stored earlier.
        await first.shutdown(timeout: .seconds(10))
        #expect(first.statistics.spooled == 520)
        let backend = SilentBackend()
        backend.answers.withLock { $0 = true }
        let second = try Tracker(configuration: configuration, transport: backend)
        Self.fill(second, 1000..<1001)
        try await eventually("the others' events") { second.statistics.deliveredForOthers == 520 }
        let bodies = backend.bodies.withLock { $0.map { String(decoding: $0, as: UTF8.self) } }
        #expect(Set(bodies).count == 521)
        await second.shutdown()
    }

    @Test("leaves events that a later run counts when the backend refuses them")
    func refusedForOthers() async throws {
        let folder = try TemporaryFolder()
        let backend = try ScriptedBackend { _ in .status(400) }
        var configuration = try TrackerConfiguration(
            projectID: "p", projectToken: "t", backendEndpoint: backend.endpoint)
        configuration.spoolDirectory = folder.path
        configuration.logHandler = { _ in }
        let first = try Tracker(configuration: configuration, transport: SilentBackend())
        Self.fill(first, 0..<20)
        await first.shutdown(timeout: .milliseconds(100))
        #expect(first.statistics.spooled == 20)
        let second = try Tracker(configuration: configuration)
        Self.fill(second, 20..<21)
        try await eventually("the others' events") { second.statistics.droppedForOthers == 20 }
        #expect(second.statistics.deliveredForOthers == 0)
        #expect(second.statistics.description.contains("dropped for others 20"))
        await second.shutdown()
        #expect(second.statistics.dropped == [.rejected: 1])
        backend.stop()
    }
}
