/// Says in the log what delivery runs into, in few lines.
struct DeliveryReporter {
    private let log: TrackerLog
    private var nextDropReport: UInt64 = 0
    private var knownQueueFull = 0
    /// What the counters were when an outage began.
    private var beforeOutage: TrackerStatistics?

    init(log: TrackerLog) {
        self.log = log
    }

    mutating func reportFailure(
        _ reason: String, isOurFault: Bool, health: BackendHealth, pipeline: DeliveryPipeline, now: UInt64
    ) {
        let statistics = pipeline.statistics
        if beforeOutage == nil { beforeOutage = statistics }
        let pause = health.pausedUntil > now ? Double(health.pausedUntil - now) / 1e9 : 0
        let waiting = "\(statistics.pending) events wait, next try in \(Self.seconds(pause))"
        if isOurFault {
            log.write(.error, topic: "refused", every: 600_000_000_000, "\(reason); \(waiting)")
        } else {
            log.write(.warning, topic: "unreachable", "can't deliver: \(reason); \(waiting)")
        }
    }

    mutating func reportRecovery(after outage: UInt64, pipeline: DeliveryPipeline) {
        let now = pipeline.statistics
        let before = beforeOutage ?? now
        beforeOutage = nil
        var text =
            "the backend is back after \(Self.seconds(Double(outage) / 1e9)): "
            + "\(now.pending + now.spooled) events are delivered late"
        let lost = DropReason.allCases.compactMap { reason -> String? in
            let count = (now.dropped[reason] ?? 0) - (before.dropped[reason] ?? 0)
            return count > 0 ? "\(reason.rawValue) \(count)" : nil
        }
        text += lost.isEmpty ? ", none dropped" : ", dropped: \(lost.joined(separator: ", "))"
        log.write(.info, topic: "recovery", every: 1_000_000_000, text)
    }

    /// Says about once a second, within the log's own limit, what the queue had to refuse.
    mutating func reportDrops(pipeline: DeliveryPipeline, isBraking: Bool, now: UInt64) {
        guard now >= nextDropReport else { return }
        nextDropReport = now + 1_000_000_000
        let refused = pipeline.statistics.dropped[.queueFull] ?? 0
        guard refused > knownQueueFull else { return }
        let advice =
            isBraking
            ? "all processors are busy, so delivery leaves them to requests; sample with RA_SAMPLE_RATE, name an "
                + "RA_SPOOL_DIRECTORY, or let the backend take batches"
            : "raise RA_QUEUE_CAPACITY or look at the backend"
        log.write(.warning, topic: "queue", "the queue is full: \(refused) events refused so far; \(advice)")
        knownQueueFull = refused
    }

    func reportEnd(pipeline: DeliveryPipeline) {
        let pending = pipeline.statistics.pending
        guard pending > 0 else { return }
        log.write(.warning, "\(pending) events could not be delivered before the shutdown's deadline and are lost")
    }

    /// One decimal, without Foundation's formatting.
    private static func seconds(_ value: Double) -> String {
        let tenths = Int((min(max(value, 0), 1e9) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
