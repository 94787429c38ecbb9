/// Logs delivery problems with their causes and remedies, in few lines.
struct DeliveryReporter {
    private let log: TrackerLog
    private let maximumConnections: Int
    private let usage: () -> ThreadUsage?
    private var nextReport: UInt64 = 0
    private var lastReport: UInt64 = 0
    private var knownRefusals = 0
    private var usageAtReport: ThreadUsage?
    private var isFilling = false
    private var lastFailure = ""
    /// The counts at the start of an outage.
    private var beforeOutage: TrackerStatistics?

    private static let interval: UInt64 = 1_000_000_000

    /// - Parameter usage: the delivery thread's CPU usage so far; nil if unknown.
    init(log: TrackerLog, maximumConnections: Int, usage: @escaping () -> ThreadUsage?) {
        self.log = log
        self.maximumConnections = maximumConnections
        self.usage = usage
    }

    // MARK: Failures

    mutating func reportFailure(
        _ reason: String, _ failure: Pacer.Failure, _ pacer: Pacer, _ mailbox: Mailbox, now: UInt64
    ) {
        lastFailure = reason
        if pacer.isAway, beforeOutage == nil { beforeOutage = mailbox.statistics }
        func text() -> String {
            let pending = mailbox.statistics.pending
            guard pacer.isAway else { return "\(reason); retrying, \(pending) events waiting" }
            let pause = pacer.pausedUntil > now ? Double(pacer.pausedUntil - now) / 1e9 : 0
            return "\(reason); \(pending) events waiting, next try in \(Self.seconds(pause))"
        }
        if failure == .refused {
            log.write(.error, topic: LogTopic.refused, every: 600_000_000_000, text())
        } else {
            log.write(.warning, topic: pacer.isAway ? LogTopic.away : LogTopic.failing, "can't deliver: \(text())")
        }
    }

    mutating func reportRecovery(after outage: UInt64, _ mailbox: Mailbox) {
        let now = mailbox.statistics
        let before = beforeOutage ?? now
        beforeOutage = nil
        var text =
            "the backend is back after \(Self.seconds(Double(outage) / 1e9)): "
            + "\(now.pending + now.spooled) events will be delivered late"
        let lost = DropReason.allCases.compactMap { reason -> String? in
            let count = (now.dropped[reason] ?? 0) - (before.dropped[reason] ?? 0)
            return count > 0 ? "\(reason.rawValue) \(count)" : nil
        }
        text += lost.isEmpty ? ", none dropped" : ", dropped: \(lost.joined(separator: ", "))"
        log.write(.info, topic: "recovery", every: 1_000_000_000, text)
    }

    // MARK: A full queue

    /// Logs about once a second, within the log's own limit, how many events a full queue refused, and why it is full.
    mutating func report(
        _ orders: Mailbox.Orders, _ status: DeliveryStatus, isBraking: Bool, spoolRefusal: String?, pending: Int,
        now: UInt64
    ) {
        guard now >= nextReport else { return }
        let elapsed = now &- lastReport
        nextReport = now + Self.interval
        lastReport = now
        guard orders.refusals > knownRefusals else {
            usageAtReport = nil
            return
        }
        let current = usage()
        defer { usageAtReport = current }
        // The thread's usage over a second says more than its usage at the first refusal.
        guard usageAtReport != nil || isFilling else {
            isFilling = true
            return
        }
        isFilling = false
        let waited = usageAtReport.flatMap { before in current.map { $0.waited &- before.waited } } ?? 0
        let isStarved = isBraking || waited > elapsed / 5
        let (kind, text) = cause(status, isStarved: isStarved, isBraking, spoolRefusal)
        log.write(
            .warning, topic: "queue.\(kind)",
            "the queue is full: \(orders.refusals) events refused so far, \(pending) waiting; \(text)")
        knownRefusals = orders.refusals
    }

    private func cause(
        _ status: DeliveryStatus, isStarved: Bool, _ isBraking: Bool, _ spoolRefusal: String?
    ) -> (kind: String, text: String) {
        let backend = status.backend
        if let spoolRefusal {
            return ("disk", "the spool accepts no events: \(spoolRefusal); make room, or choose another directory")
        }
        if backend.isAway {
            return (
                "away",
                "the backend is unavailable (\(lastFailure)); set RA_SPOOL_DIRECTORY to keep events during an outage"
            )
        }
        if isStarved {
            let text =
                "all processors are busy\(isBraking ? ", so delivery yields to requests" : ""); "
                + "sample with RA_SAMPLE_RATE, set RA_SPOOL_DIRECTORY, or let the backend accept batches"
            return ("processors", text)
        }
        let latency = backend.latency.map { "\(Self.milliseconds($0)) per response" } ?? "no response yet"
        if backend.httpVersion != "HTTP/2", backend.window >= maximumConnections {
            let text =
                "\(maximumConnections) of \(maximumConnections) connections, \(latency): "
                + "raise RA_MAXIMUM_CONNECTIONS, or let the backend accept batches"
            return ("connections", text)
        }
        let text =
            "\(backend.window) requests at a time, \(latency): the backend accepts no more; raise RA_QUEUE_CAPACITY "
            + "for bursts, set RA_SPOOL_DIRECTORY, or sample with RA_SAMPLE_RATE"
        return ("backend", text)
    }

    func reportEnd(_ mailbox: Mailbox) {
        let statistics = mailbox.statistics
        let pending = statistics.pending
        if let refused = statistics.dropped[.queueFull], refused > knownRefusals {
            log.write(.warning, "the queue was full: \(refused) events were refused")
        }
        guard pending > 0 else { return }
        log.write(
            .warning, topic: LogTopic.deadline, every: 0,
            "\(pending) events could not be delivered before the shutdown's deadline and are lost")
    }

    // MARK: Number formatting without Foundation

    private static func milliseconds(_ duration: Duration) -> String {
        let microseconds = duration.nanoseconds / 1_000
        return microseconds < 10_000
            ? "\(microseconds / 1_000).\(microseconds / 100 % 10) ms" : "\(microseconds / 1_000) ms"
    }

    private static func seconds(_ value: Double) -> String {
        let tenths = Int((min(max(value, 0), 1e9) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) s"
    }
}

extension DeliveryStatus {
    /// The current state of delivery.
    init(_ outbox: Outbox, _ link: BackendLink, _ pacer: Pacer, _ store: ParcelStore?) {
        self.init()
        inFlight = outbox.flyingEvents
        let connections = link.connections
        backend.window = min(pacer.window, link.maximumInFlight)
        backend.inFlight = outbox.flyingCount
        backend.latency = pacer.latency
        backend.connections = connections.count
        backend.httpVersion = connections.httpVersion
        backend.isAway = pacer.isAway
        if let store { damage = store.damage }
    }
}
