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
