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

/// The delivery thread's clock, which tests replace so that they need not wait.
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

/// The time at which a tracker that is shutting down stops sending.
struct ShutdownDeadline {
    private let hasDisk: Bool
    /// The time to stop, early enough to store the rest before the deadline. Monotonic nanoseconds; the maximum if
    /// there is no deadline.
    let stopAt: UInt64

    /// The time reserved for storing: a minimum for busy machines, and a generous allowance per event.
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

    /// Whether waiting is pointless: with a spool, the rest is just as safe on disk; without one, the next attempt
    /// would come too late.
    func givesUp(_ pacer: Pacer, flying: Int, _ now: UInt64) -> Bool {
        flying == 0 && pacer.pausedUntil > now && (hasDisk || pacer.pausedUntil >= stopAt)
    }
}

/// Limits delivery's share of the processors when requests need them.
///
/// One POST per event costs as much as a whole small request. When requests come faster than that and all processors
/// are busy, the queue overflows whatever delivery does, and each event delivered costs the response to a request.
/// Then, and only then, delivery gets a thirtieth of the processors.
struct DeliveryBrake {
    /// The period over which the load is judged, in nanoseconds; also the longest rest.
    static let window: UInt64 = 20_000_000
    /// The share of all processors that delivery may use while the brake is on: one in this many.
    static let share = 30

    /// How many windows the brake stays on while the queue overflows. A thread that rests most of the time hardly waits
    /// for a processor, so whether they are all busy shows only in a window without the brake.
    static let hold = 25

    /// The thread's CPU time per window, in nanoseconds; nil if even a whole processor is within its share.
    private let budget: UInt64?
    private let usage: () -> ThreadUsage?
    private var start: UInt64 = 0
    private var usageAtStart: ThreadUsage?
    private var knownRefusals = 0
    /// How many more windows the brake stays on.
    private var windows = 0

    var isOn: Bool { windows > 0 }

    /// - Parameters:
    ///   - processors: how many the process may use.
    ///   - usage: the delivery thread's CPU usage so far; nil if unknown, and then the brake is never on.
    init(processors: Int, usage: @escaping () -> ThreadUsage?) {
        budget = processors < Self.share ? Self.window * UInt64(max(1, processors)) / UInt64(Self.share) : nil
        self.usage = usage
    }

    /// Decides whether to rest before a turn.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - refusals: events refused so far because the queue was full.
    /// - Returns: the time until which to rest; nil to go on.
    mutating func rest(now: UInt64, refusals: Int) -> UInt64? {
        guard let budget else { return nil }
        guard now &- start < Self.window else {
            let current = usage()
            if refusals == knownRefusals {
                windows = 0
            } else if windows > 0 {
                windows -= 1
            } else if Self.isStarved(current, since: usageAtStart) {
                windows = Self.hold
            }
            start = now
            usageAtStart = current
            knownRefusals = refusals
            return nil
        }
        guard isOn, let current = usage(), let usageAtStart, current.ran &- usageAtStart.ran >= budget else {
            return nil
        }
        return start + Self.window
    }

    /// Whether the thread waited for a processor more than half as long as it ran, and for a fifth of the window: on an
    /// idle machine both times are tiny, and their ratio means nothing.
    private static func isStarved(_ current: ThreadUsage?, since before: ThreadUsage?) -> Bool {
        guard let current, let before else { return false }
        let waited = current.waited &- before.waited
        return waited > window / 5 && waited > (current.ran &- before.ran) / 2
    }
}
