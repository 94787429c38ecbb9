import CPlatform

/// The delivery thread's whole life.
enum DeliveryThread {
    static func run(
        _ configuration: TrackerConfiguration, _ transport: any EventTransport, _ mailbox: Mailbox, _ log: TrackerLog
    ) {
        // Most of what is used is made with its first use, under locks that a fork does not know.
        cplatform_hold_forks()
        let loop = DeliveryLoop(configuration: configuration, transport: transport, mailbox: mailbox, log: log)
        var goesOn = loop.turn()
        cplatform_release_forks()
        while goesOn { goesOn = loop.turn() }
        loop.end()
    }
}

/// The time as the delivery thread sees it, so that tests need not wait for any.
struct DeliveryClock {
    /// Monotonic nanoseconds.
    let now: () -> UInt64
    /// Sleeps until the deadline, or without an end, or until the mailbox rings.
    let sleep: (_ mailbox: Mailbox, _ deadline: UInt64?, _ alarm: Mailbox.Alarm) -> Void

    /// What the calling thread has used of processors so far; nil where that is unknown.
    let usage: () -> ThreadUsage?

    static var system: DeliveryClock {
        let reader = ThreadUsage.Reader()
        return DeliveryClock(
            now: SystemClock.monotonicNanoseconds, sleep: { $0.sleep(until: $1, or: $2) }, usage: { reader?.read() })
    }
}

/// When a tracker that was told to shut down stops sending.
struct ShutdownDeadline {
    private let hasDisk: Bool
    /// Early enough for what is left to go to disk before the deadline. Monotonic nanoseconds; the highest: not yet.
    let stopAt: UInt64

    /// What writing takes at least on a busy machine, and for each event, generously.
    private static let reserve: UInt64 = 100_000_000
    private static let perEvent: UInt64 = 12_000

    /// - Parameter lastSign: when the backend last took something.
    init(_ orders: Mailbox.Orders, hasDisk: Bool, lastSign: UInt64?, now: UInt64) {
        self.hasDisk = hasDisk
        guard var deadline = orders.stopAt else {
            stopAt = .max
            return
        }
        if let patience = orders.patience {
            deadline = min(deadline, max(patience.since, lastSign ?? 0) &+ patience.length)
        }
        let needed = hasDisk ? Self.reserve + UInt64(orders.open) * Self.perEvent : 0
        stopAt = deadline > now + needed ? deadline - needed : min(deadline, now)
    }

    /// Whether there is nothing to wait for: on disk is as good as it gets; without a disk, a try that comes too late is
    /// none.
    func isPointless(_ pacer: Pacer, flying: Int, _ now: UInt64) -> Bool {
        flying == 0 && pacer.pausedUntil > now && (hasDisk || pacer.pausedUntil >= stopAt)
    }
}
