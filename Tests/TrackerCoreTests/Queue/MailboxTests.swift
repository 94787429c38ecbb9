import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

@Suite("The mailbox")
struct MailboxTests {
    private static func capture(_ count: Int, in mailbox: Mailbox) {
        for _ in 0..<count {
            mailbox.capture(
                TrackedRequest(
                    RequestStart(
                        snapshot: RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([])),
                        session: SessionIdentifier(high: 0, low: 0), receivedAt: 0, startedAt: 0),
                    status: 200, viewName: nil, finishedAt: 0),
                ticket: 0)
        }
    }

    @Test(
        "wakes the delivery thread for as many events as it waits for, or when it fills up, but not before",
        arguments: [(awaited: 100, expected: 100), (awaited: .max, expected: 750)])
    func wakes(awaited: Int, expected: Int) async throws {
        let mailbox = Mailbox(capacity: 1000, maximumBytes: 1 << 20) { _ in true }
        let isAwake = Mutex(false)
        try DetachedThread.start(name: "sleeper") {
            mailbox.sleep(until: SystemClock.monotonicNanoseconds() + 600_000_000_000, or: .events(awaited))
            isAwake.withLock { $0 = true }
        }
        try await eventually("waking up") {
            guard !isAwake.withLock({ $0 }) else { return true }
            Self.capture(20, in: mailbox)
            return false
        }
        #expect(mailbox.statistics.captured >= expected)
        #expect(mailbox.statistics.dropped.isEmpty)
    }
}
