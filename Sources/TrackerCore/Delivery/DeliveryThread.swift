import CPlatform

/// The main function of the delivery thread.
enum DeliveryThread {
    static func run(
        _ configuration: TrackerConfiguration, _ transport: any EventTransport, _ mailbox: Mailbox, _ log: TrackerLog
    ) {
        // The first turn initializes most of what is used, under locks that a forked child would find held. But the
        // app's own code may block: then every fork would wait for it, and so would the process's other trackers.
        var holdsForks = transport is HTTPTransport && configuration.beforeSend == nil
        if holdsForks { cplatform_hold_forks() }
        func releaseForks() {
            if holdsForks { cplatform_release_forks() }
            holdsForks = false
        }
        let loop = DeliveryLoop(configuration: configuration, transport: transport, mailbox: mailbox, log: log)
        var goesOn = loop.turn(beforeSleep: releaseForks)
        releaseForks()
        while goesOn { goesOn = loop.turn() }
        loop.end()
    }
}

/// The delivery thread's clock, which tests replace so as not to wait.
struct DeliveryClock {
    /// Monotonic nanoseconds.
    let now: () -> UInt64
    /// Sleeps until the deadline, if there is one, or until the mailbox wakes the thread.
    let sleep: (_ mailbox: Mailbox, _ deadline: UInt64?, _ alarm: Mailbox.Alarm) -> Void

    /// The calling thread's CPU usage so far; nil if unknown.
    let usage: () -> ThreadUsage?

    static var system: DeliveryClock {
        let reader = ThreadUsage.Reader()
        return DeliveryClock(
            now: SystemClock.monotonicNanoseconds, sleep: { $0.sleep(until: $1, or: $2) }, usage: { reader?.read() })
    }
}

/// When a tracker that is shutting down stops sending.
struct ShutdownDeadline {
    private let hasDisk: Bool
    /// Early enough to store the rest before the deadline. Monotonic nanoseconds; the maximum if there is no deadline.
    let stopAt: UInt64

    /// Time reserved for storing: at least, on a busy machine, and per event, generously.
    private static let reserve: UInt64 = 100_000_000
    private static let perEvent: UInt64 = 12_000

    /// - Parameter lastSign: when the backend last accepted something.
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

    /// Whether there is nothing to wait for: with a spool, the rest is as safe on disk; without one, the next attempt
    /// would come too late.
    func isPointless(_ pacer: Pacer, flying: Int, _ now: UInt64) -> Bool {
        flying == 0 && pacer.pausedUntil > now && (hasDisk || pacer.pausedUntil >= stopAt)
    }
}
