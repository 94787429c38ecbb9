/// The counts of a tracker. Guarded by the mailbox's lock, so that at any time
/// `captured == delivered + spooled + all of dropped + open`.
struct Ledger {
    private(set) var captured = 0
    private(set) var delivered = 0
    private(set) var retried = 0
    /// Events on disk that this tracker has not delivered since.
    private(set) var spooled = 0
    private(set) var deliveredForOthers = 0
    private(set) var droppedForOthers = 0
    private(set) var ignored = 0
    private(set) var sampledOut = 0
    private(set) var slowHooks = 0
    private(set) var filterLimits = 0
    private var dropped = [Int](repeating: 0, count: DropReason.allCases.count)

    /// Unsettled events in memory, and the bytes they count against the queue's limit.
    private(set) var open = 0
    private(set) var openBytes = 0
    /// The number of open events that the delivery thread has taken off the queue.
    private(set) var taken = 0
    /// The delivery thread's last reported status.
    var delivery = DeliveryStatus()

    /// The outcome of an open event.
    enum Fate {
        case delivered
        case spooled
        case dropped(DropReason)
    }

    // MARK: Admission

    mutating func admit(bytes: Int) {
        captured += 1
        open += 1
        openBytes += bytes
    }

    mutating func refuse(_ reason: DropReason) {
        captured += 1
        drop(reason, 1)
    }

    mutating func take(_ count: Int) { taken += count }

    /// Counts more bytes for events that the delivery thread has taken. A no-op if a shutdown has dropped them.
    mutating func charge(_ bytes: Int) {
        if taken > 0 { openBytes += bytes }
    }

    mutating func countIgnored() { ignored += 1 }
    mutating func countSampledOut() { sampledOut += 1 }
    mutating func countSlowHook() { slowHooks += 1 }
    mutating func countFilterLimit() { filterLimits += 1 }
    mutating func countRetried(_ count: Int) { retried += count }

    // MARK: Settlement

    /// Settles events that the delivery thread has taken. A no-op if a shutdown has dropped them in the meantime.
    mutating func settle(_ count: Int, bytes: Int, as fate: Fate) {
        guard taken >= count else { return }
        taken -= count
        open -= count
        openBytes -= bytes
        switch fate {
        case .delivered: delivered += count
        case .spooled: spooled += count
        case .dropped(let reason): drop(reason, count)
        }
    }

    /// Counts spooled events as delivered: `own` ones, and `others` left by another process or an earlier run.
    mutating func deliverFromSpool(own: Int, others: Int) {
        let own = min(own, spooled)
        spooled -= own
        delivered += own
        deliveredForOthers += others
    }

    /// Counts spooled events as dropped: `own` ones, and `others` left by another process or an earlier run.
    mutating func dropFromSpool(_ reason: DropReason, own: Int, others: Int) {
        let own = min(own, spooled)
        spooled -= own
        drop(reason, own)
        droppedForOthers += others
    }

    /// Drops all open events.
    mutating func dropAll(_ reason: DropReason) {
        drop(reason, open)
        open = 0
        openBytes = 0
        taken = 0
        delivery.inFlight = 0
    }

    private mutating func drop(_ reason: DropReason, _ count: Int) { dropped[reason.index] += count }

    // MARK: Reading

    /// The number of events refused because the queue was full.
    var refused: Int { dropped[DropReason.queueFull.index] }

    /// A snapshot of all counts.
    var statistics: TrackerStatistics {
        var statistics = TrackerStatistics()
        statistics.captured = captured
        statistics.delivered = delivered
        statistics.retried = retried
        statistics.spooled = spooled
        statistics.deliveredForOthers = deliveredForOthers
        statistics.droppedForOthers = droppedForOthers
        statistics.ignored = ignored
        statistics.sampledOut = sampledOut
        statistics.slowHooks = slowHooks
        statistics.filterLimits = filterLimits
        statistics.inFlight = min(delivery.inFlight, open)
        statistics.queued = open - statistics.inFlight
        statistics.backend = delivery.backend
        statistics.spoolDamage = delivery.damage
        for reason in DropReason.allCases where dropped[reason.index] > 0 {
            statistics.dropped[reason] = dropped[reason.index]
        }
        return statistics
    }
}

/// The delivery thread's status, for the statistics.
struct DeliveryStatus {
    /// Events in flight that are in memory only.
    var inFlight = 0
    var backend = TrackerStatistics.Backend()
    var damage = TrackerStatistics.SpoolDamage()
}
