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
