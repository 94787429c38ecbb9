/// Applies the outcome of each attempt to its parcel, to the counts, and to the pace of all others.
///
/// Unchecked properties: see ``DeliveryLoop``.
final class Settlement {
    private let mailbox: Mailbox
    private let outbox: Outbox
    private let store: ParcelStore?
    private let log: TrackerLog
    @exclusivity(unchecked) var pacer: Pacer
    /// How many parcels have been delivered.
    @exclusivity(unchecked) private var arrivals = 0

    private enum Limit {
        /// The number of failures, with deliveries of others in between, after which a parcel is dropped.
        static let ownFailures = 30
    }

    init(
        configuration: TrackerConfiguration, mailbox: Mailbox, outbox: Outbox, store: ParcelStore?, log: TrackerLog
    ) {
        self.mailbox = mailbox
        self.outbox = outbox
        self.store = store
        self.log = log
        pacer = Pacer(policy: configuration.retryPolicy)
    }

    func settle(
        _ completions: [DeliveryCompletion], now: UInt64, maximum: Int, isUrgent: Bool,
        _ reporter: inout DeliveryReporter
    ) {
        var delivered = 0
        var bytes = 0
        for completion in completions {
            guard var parcel = outbox.land(completion.identifier) else { continue }
            let failure: Pacer.Failure
            let reason: String
            switch completion.outcome.kind {
            case .delivered:
                arrivals += 1
                if let disk = parcel.disk {
                    store?.settle(parcel, disk, droppedFor: nil)
                } else {
                    delivered += parcel.count
                    bytes += parcel.charge
                }
                outbox.recycle(parcel.takeBody())
                answered(completion, parcel, now, maximum, &reporter)
                continue
            case .drop(let dropReason, let reason):
                answered(completion, parcel, now, maximum, &reporter)
                refused(parcel, dropReason, because: reason)
                continue
            case .retry(_, let because): (failure, reason) = (.busy, because)
            case .unreachable(let because): (failure, reason) = (.unreachable, because)
            case .holdBack(let because): (failure, reason) = (.refused, because)
            }
            var retryAfter = completion.retryAfter
            if case .retry(let after?, _) = completion.outcome.kind { retryAfter = max(after, retryAfter ?? .zero) }
            pacer.failed(failure, retryAfter: retryAfter, now: now, isUrgent: isUrgent)
            retry(parcel, retryAfter, now, isUrgent)
            reporter.reportFailure(reason, failure, pacer, mailbox, now: now)
        }
        if delivered > 0 { mailbox.record { $0.settle(delivered, bytes: bytes, as: .delivered) } }
    }

    /// Tells the pacer that the backend responded, whatever it decided about the parcel.
    private func answered(
        _ completion: DeliveryCompletion, _ parcel: Parcel, _ now: UInt64, _ maximum: Int,
        _ reporter: inout DeliveryReporter
    ) {
        let latency = completion.latency?.nanoseconds ?? now &- parcel.sentAt
        guard let outage = pacer.succeeded(latency: latency, now: now, maximum: maximum) else { return }
        reporter.reportRecovery(after: outage, mailbox)
        outbox.releaseAll()
        store?.rescanSoon()
    }

    private func retry(_ parcel: Parcel, _ retryAfter: Duration?, _ now: UInt64, _ isUrgent: Bool) {
        var parcel = parcel
        parcel.attempts += 1
        if parcel.attempts == 1 || arrivals > parcel.arrivalsAtLastFailure { parcel.ownFailures += 1 }
        parcel.arrivalsAtLastFailure = arrivals
        if parcel.ownFailures >= Limit.ownFailures {
            log.write(
                .warning, topic: "drop.retries",
                "dropped \(Self.count(parcel)): failed \(parcel.attempts) times while others were delivered")
            return drop(parcel, .retriesExhausted)
        }
        if let disk = parcel.disk, disk.openParts == 1, parcel.key.lines == nil,
            outbox.waitingCount >= Outbox.maximumWaiting
        {
            store?.giveBack(disk)
            return
        }
        parcel.dueAt = now &+ pacer.delay(attempts: parcel.attempts, retryAfter: retryAfter, isUrgent: isUrgent)
        outbox.wait(parcel)
    }

    /// Handles a parcel that the backend will never accept as it is: splits or drops it.
    private func refused(_ parcel: Parcel, _ reason: DropReason, because text: String) {
        if parcel.count > 1, reason == .rejected {
            // One bad event must not take the others with it: halve until it is alone.
            for half in parcel.halves { outbox.due.append(half) }
            return
        }
        // Logged first, so that whoever sees the count finds the reason.
        log.write(.warning, topic: "drop.\(reason.rawValue)", "dropped \(Self.count(parcel)): \(text)")
        drop(parcel, reason)
    }

    /// Settles a parcel that will not be sent again.
    func drop(_ parcel: Parcel, _ reason: DropReason) {
        if let disk = parcel.disk {
            store?.settle(parcel, disk, droppedFor: reason)
        } else {
            mailbox.record { $0.settle(parcel.count, bytes: parcel.charge, as: .dropped(reason)) }
        }
    }

    private static func count(_ parcel: Parcel) -> String {
        parcel.count == 1 ? "an event" : "\(parcel.count) events"
    }
}
