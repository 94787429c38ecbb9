/// What ``DeliveryPipeline`` keeps under its lock.
struct PipelineState {
    var queue = EventQueue()
    /// In the chunk that the delivery thread works on, and not taken yet.
    var held = 0
    /// Outstanding, but only encoded and not sent.
    var ahead = 0
    var captured = 0
    var delivered = 0
    var retried = 0
    /// On disk, or taken from there by another process.
    var spooled = 0
    var deliveredForOthers = 0
    var ignored = 0
    var sampledOut = 0
    var slowHooks = 0
    var dropped = [Int](repeating: 0, count: DropReason.allCases.count)
    /// Taken off the queue and not settled.
    var outstanding = 0
    /// Of everything that is not settled.
    var openBytes = 0
    /// How many events were ever taken off the queue; the queue's first event has this number.
    var dequeued: UInt64 = 0
    var isThreadStarted = false
    var isThreadEnded = false
    /// The thread does nothing any more but bring what is left to disk.
    var isSpooling = false
    var isAsleep = false
    /// Rests without being woken by each event, but by a queue that fills.
    var isResting = false
    var isClosed = false
    /// Monotonic nanoseconds.
    var stopAt: UInt64?
    var hurries = 0
    var waiters: [DeliveryPipeline.Waiter] = []
    var nextWaiter: UInt64 = 0

    /// Not taken off the queue.
    var waiting: Int { queue.count + held }
    /// Not settled.
    var open: Int { queue.count + held + outstanding }

    mutating func drop(_ reason: DropReason, _ count: Int = 1) { dropped[reason.index] += count }

    /// All counts, as they are at one moment.
    var statistics: TrackerStatistics {
        var statistics = TrackerStatistics()
        statistics.captured = captured
        statistics.delivered = delivered
        statistics.retried = retried
        statistics.spooled = spooled
        statistics.deliveredForOthers = deliveredForOthers
        statistics.ignored = ignored
        statistics.sampledOut = sampledOut
        statistics.slowHooks = slowHooks
        statistics.queued = waiting + ahead
        statistics.inFlight = outstanding - ahead
        for reason in DropReason.allCases where dropped[reason.index] > 0 {
            statistics.dropped[reason] = dropped[reason.index]
        }
        return statistics
    }

    /// Gives up everything that is open.
    mutating func settleAll(as reason: DropReason) {
        drop(reason, open)
        queue = EventQueue()
        held = 0
        ahead = 0
        outstanding = 0
        openBytes = 0
    }
}
