/// Every count of a tracker. Kept under the mailbox's lock, so that at each moment
/// `captured == delivered + spooled + all of dropped + open`.
struct Ledger {
    private(set) var captured = 0
    private(set) var delivered = 0
    private(set) var retried = 0
    /// On disk and not delivered by this tracker since.
    private(set) var spooled = 0
    private(set) var deliveredForOthers = 0
    private(set) var ignored = 0
    private(set) var sampledOut = 0
    private(set) var slowHooks = 0
    private(set) var filterLimits = 0
    private var dropped = [Int](repeating: 0, count: DropReason.allCases.count)

    /// Events in memory whose fate is open, and what they count against the queue's bound of bytes.
    private(set) var open = 0
    private(set) var openBytes = 0
    /// How many of the open events have left the queue: the delivery thread has them.
    private(set) var taken = 0
    /// What delivery does at the moment, as its thread said last.
    var delivery = DeliveryStatus()

    /// What becomes of an event that is open.
    enum Fate {
        case delivered
        case spooled
        case dropped(DropReason)
    }

    // MARK: Coming in

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

    mutating func countIgnored() { ignored += 1 }
    mutating func countSampledOut() { sampledOut += 1 }
    mutating func countSlowHook() { slowHooks += 1 }
    mutating func countFilterLimit() { filterLimits += 1 }
    mutating func countRetried(_ count: Int) { retried += count }

    // MARK: Going out

    /// Settles events that the delivery thread has. Does nothing if a shutdown has given them up meanwhile.
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

    /// Events from the disk have arrived: `own` ones, and others that another process or an earlier run had left.
    mutating func deliverFromSpool(own: Int, others: Int) {
        let own = min(own, spooled)
        spooled -= own
        delivered += own
        deliveredForOthers += others
    }

    /// Own events on disk are lost after all.
    mutating func dropFromSpool(_ reason: DropReason, own: Int) {
        let own = min(own, spooled)
        spooled -= own
        drop(reason, own)
    }

    /// Gives up everything that is open.
    mutating func dropAll(_ reason: DropReason) {
        drop(reason, open)
        open = 0
        openBytes = 0
        taken = 0
        delivery.inFlight = 0
    }

    private mutating func drop(_ reason: DropReason, _ count: Int) { dropped[reason.index] += count }

    // MARK: Reading

    /// How many events the full queue has refused.
    var refused: Int { dropped[DropReason.queueFull.index] }

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

/// What the delivery thread tells about its work; others read it in the statistics.
struct DeliveryStatus {
    /// Events that are being sent now and that are in memory alone.
    var inFlight = 0
    var backend = TrackerStatistics.Backend()
    var damage = TrackerStatistics.SpoolDamage()
}
