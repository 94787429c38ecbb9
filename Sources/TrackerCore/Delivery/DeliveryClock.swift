/// The time as the delivery thread sees it, so that tests need not wait for any.
struct DeliveryClock {
    /// Monotonic nanoseconds.
    let now: () -> UInt64
    /// Sleeps until the deadline, or without an end, or until the mailbox rings.
    let sleep: (_ mailbox: Mailbox, _ deadline: UInt64?, _ alarm: Mailbox.Alarm) -> Void

    static var system: DeliveryClock {
        DeliveryClock(now: SystemClock.monotonicNanoseconds) { mailbox, deadline, alarm in
            mailbox.sleep(until: deadline, or: alarm)
        }
    }
}
