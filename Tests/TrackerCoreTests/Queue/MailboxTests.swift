import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

@Suite("The mailbox")
struct MailboxTests {
    private static func capture(
        _ count: Int, in mailbox: Mailbox, headers: RequestHeaders = RequestHeaders([])
    ) {
        for _ in 0..<count { mailbox.capture(.sample(headers: headers), ticket: 0) }
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
            // No more than it is waiting for, however late it falls asleep.
            if mailbox.statistics.captured < expected { Self.capture(20, in: mailbox) }
            return false
        }
        #expect(mailbox.statistics.captured >= expected)
        #expect(mailbox.statistics.dropped.isEmpty)
    }

    @Test("lets a shutdown wait for the thread that still empties the disk, though no event is open")
    func awaitsEnd() {
        let mailbox = Mailbox(capacity: 1000, maximumBytes: 1 << 20) { _ in true }
        let hasEnded = Mutex(false)
        #expect(mailbox.notifyWhenSettled {} == nil)
        #expect(mailbox.notifyWhenSettled(awaitsEnd: true) { hasEnded.withLock { $0 = true } } != nil)
        #expect(!hasEnded.withLock { $0 })
        mailbox.threadEnds()
        #expect(hasEnded.withLock { $0 })
        #expect(mailbox.notifyWhenSettled(awaitsEnd: true) {} == nil)
    }

    @Test("does not put the delivery thread to sleep on a queue that has filled up since its last turn")
    func filledBeforeSleep() async throws {
        let mailbox = Mailbox(capacity: 100, maximumBytes: 1 << 20) { _ in true }
        let isAwake = Mutex(false)
        #expect(!mailbox.orders(reporting: DeliveryStatus()).isFilling)
        Self.capture(80, in: mailbox)
        try DetachedThread.start(name: "sleeper") {
            mailbox.sleep(until: SystemClock.monotonicNanoseconds() + 600_000_000_000, or: .events(500))
            isAwake.withLock { $0 = true }
        }
        try await eventually("waking up") { isAwake.withLock { $0 } }
    }

    @Test("releases written requests once no more come, though the next ones wait to be written")
    func releasesWhenQuiet() {
        final class Tied: Sendable {}
        weak var released: Tied?
        let mailbox = Mailbox(capacity: 1000, maximumBytes: 1 << 20) { _ in true }
        do {
            let tied = Tied()
            released = tied
            Self.capture(
                2 * EventQueue.chunkSize + 10, in: mailbox,
                headers: RequestHeaders(cookie: nil, deferred: { withExtendedLifetime(tied) { [] } }))
            Self.capture(10, in: mailbox)
        }
        var backlog = EventBacklog()
        for _ in 0..<3 {
            _ = mailbox.refill(&backlog)
            while !backlog.isEmpty { backlog.readNext { _ in } }
        }
        Self.capture(10, in: mailbox)
        backlog.releaseWritten()
        _ = mailbox.orders(reporting: DeliveryStatus())
        #expect(released != nil)
        _ = mailbox.orders(reporting: DeliveryStatus())
        #expect(released == nil)
    }
}
