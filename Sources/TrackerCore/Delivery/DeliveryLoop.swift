/// The delivery thread's work: takes events off the queue, encodes them, sends them, and settles what became of them.
///
/// Everything here belongs to that one thread; what others may see is in the pipeline.
final class DeliveryLoop {
    private let pipeline: DeliveryPipeline
    private let transport: any EventTransport
    private let log: TrackerLog
    private let isBatching: Bool
    private var encoder: EventEncoder
    private let identifiers = EventIdentifierGenerator()
    private var health: BackendHealth

    private var session: (any TransportSession)?
    private var nextOpening: UInt64 = 0
    private var inFlight: [UInt64: Delivery] = [:]
    private var retries: [Delivery] = []
    private var nextIdentifier: UInt64 = 1
    private var acceptsLines = false
    private var deliveries = 0
    private var lastActivity: UInt64 = 0
    private var knownHurries = 0
    private var reporter: DeliveryReporter

    private enum Limit {
        static let linesPerBatch = 500
        static let bytesPerBatch = 1 << 20
        /// How long lines are gathered before a batch that is not full is sent.
        static let gathering: UInt64 = 500_000_000
        /// How often the thread looks at the queue while requests come in, instead of being woken by each.
        static let look: UInt64 = 5_000_000
        /// For how long it does so after the last event, before it sleeps for good.
        static let linger: UInt64 = 100_000_000
        static let reopening: UInt64 = 60_000_000_000
        /// Attempts after which an event that fails while others go through is given up.
        static let attempts = 8
    }

    init(
        configuration: TrackerConfiguration, transport: any EventTransport, pipeline: DeliveryPipeline, log: TrackerLog
    ) {
        self.pipeline = pipeline
        self.transport = transport
        self.log = log
        isBatching = configuration.usesBatches
        encoder = EventEncoder(projectToken: configuration.projectToken, privacy: configuration.privacy)
        health = BackendHealth(policy: configuration.retryPolicy)
        reporter = DeliveryReporter(log: log)
    }

    func run() {
        while true {
            let orders = pipeline.orders()
            let now = SystemClock.monotonicNanoseconds()
            if orders.hurries != knownHurries {
                knownHurries = orders.hurries
                health.hurry()
            }
            if let stopAt = orders.stopAt, now >= stopAt { break }
            fill(now: now, isHurried: orders.isClosed || pipeline.hasWaiters)
            pipeline.notifyWaiters(oldestOutstanding: oldestOutstanding)
            reporter.reportDrops(pipeline: pipeline, now: now)
            let isIdle = inFlight.isEmpty && retries.isEmpty && pipeline.queueIsEmpty
            if orders.isClosed {
                if isIdle { break }
                // Nothing can happen before the time is over.
                if inFlight.isEmpty, let stopAt = orders.stopAt, health.pausedUntil >= stopAt { break }
            }
            rest(now: now, isIdle: isIdle, stopAt: orders.stopAt)
        }
        session?.cancel()
        reporter.reportEnd(pipeline: pipeline)
        pipeline.threadEnds()
    }

    private var oldestOutstanding: UInt64? {
        var oldest: UInt64?
        for delivery in inFlight.values { oldest = min(oldest ?? .max, delivery.sequence) }
        for delivery in retries { oldest = min(oldest ?? .max, delivery.sequence) }
        return oldest
    }

    // MARK: Sending

    private func fill(now: UInt64, isHurried: Bool) {
        guard !retries.isEmpty || !pipeline.queueIsEmpty else { return }
        guard let session = openSession(now: now) else { return dropForWantOfTransport() }
        var free = health.allowance(now: now, maximum: session.maximumInFlight) - inFlight.count
        while free > 0, !retries.isEmpty {
            send(retries.removeFirst(), over: session)
            free -= 1
        }
        guard free > 0 else { return }
        if acceptsLines, isBatching {
            while free > 0, let delivery = nextBatch(isHurried: isHurried) {
                send(delivery, over: session)
                free -= 1
            }
        } else {
            let (first, requests) = pipeline.take(free)
            for (offset, request) in requests.enumerated() {
                send(delivery(of: [encode(request, sequence: first + UInt64(offset))]), over: session)
            }
        }
    }

    private func nextBatch(isHurried: Bool) -> Delivery? {
        let (count, oldest) = pipeline.waiting()
        guard count > 0, let oldest else { return nil }
        let age = SystemClock.wallNanoseconds() - oldest
        guard count >= Limit.linesPerBatch || isHurried || age < 0 || age >= Limit.gathering else { return nil }
        var events: [EncodedEvent] = []
        var bytes = 0
        // Few at a time, so that a batch of large events does not grow far beyond its bound.
        while events.count < Limit.linesPerBatch, bytes < Limit.bytesPerBatch {
            let (first, requests) = pipeline.take(min(16, Limit.linesPerBatch - events.count))
            guard !requests.isEmpty else { break }
            for (offset, request) in requests.enumerated() {
                let event = encode(request, sequence: first + UInt64(offset))
                bytes += event.body.count + 1
                events.append(event)
            }
        }
        return delivery(of: events)
    }

    private func encode(_ request: TrackedRequest, sequence: UInt64) -> EncodedEvent {
        EncodedEvent(
            sequence: sequence, identifier: identifiers.next(), receivedAt: request.receivedAt,
            body: encoder.encode(request), queueBytes: request.approximateBytes)
    }

    private func delivery(of events: [EncodedEvent]) -> Delivery {
        defer { nextIdentifier += 1 }
        let key = events.count == 1 ? events[0].identifier : identifiers.next()
        return Delivery(events: events, identifier: nextIdentifier, idempotencyKey: key.description)
    }

    private func send(_ delivery: Delivery, over session: any TransportSession) {
        if delivery.attempts > 0 { pipeline.countRetried(delivery.events.count) }
        inFlight[delivery.identifier] = delivery
        session.start(delivery.payload)
    }

    private func openSession(now: UInt64) -> (any TransportSession)? {
        if let session { return session }
        guard now >= nextOpening else { return nil }
        do {
            let opened = try transport.open()
            session = opened
            return opened
        } catch {
            nextOpening = now + Limit.reopening
            log.write(.error, topic: "transport", "\(error)")
            return nil
        }
    }

    private func dropForWantOfTransport() {
        for delivery in retries {
            pipeline.settleDropped(.transportUnavailable, delivery.events.count, bytes: delivery.queueBytes)
        }
        retries.removeAll()
        let (_, requests) = pipeline.take(.max)
        let bytes = requests.reduce(0) { $0 + $1.approximateBytes }
        pipeline.settleDropped(.transportUnavailable, requests.count, bytes: bytes)
    }

    // MARK: Waiting

    private func rest(now: UInt64, isIdle: Bool, stopAt: UInt64?) {
        let latest = stopAt ?? .max
        if !inFlight.isEmpty, let session {
            let hasRoom = health.allowance(now: now, maximum: session.maximumInFlight) > inFlight.count
            let limit = min(hasRoom ? Limit.look : 10 * Limit.look, latest - now)
            let completions = session.wait(atMost: .nanoseconds(Int64(limit)))
            settle(completions)
        } else if !isIdle {
            lastActivity = now
            // A pause, or lines that are being gathered.
            let until = health.pausedUntil > now ? health.pausedUntil : now + Limit.look
            pipeline.sleep(until: min(until, latest), wakesForEvents: false)
        } else if now &- lastActivity < Limit.linger {
            pipeline.sleep(until: now + Limit.look, wakesForEvents: false)
        } else {
            pipeline.sleep(until: nil, wakesForEvents: true)
            lastActivity = SystemClock.monotonicNanoseconds()
        }
    }

    // MARK: Settling

    private func settle(_ completions: [DeliveryCompletion]) {
        guard !completions.isEmpty else { return }
        let now = SystemClock.monotonicNanoseconds()
        lastActivity = now
        var delivered = 0
        var deliveredBytes = 0
        for completion in completions {
            guard let delivery = inFlight.removeValue(forKey: completion.identifier) else { continue }
            if completion.acceptsLines { acceptsLines = true }
            switch completion.outcome {
            case .delivered:
                deliveries += 1
                delivered += delivery.events.count
                deliveredBytes += delivery.queueBytes
                backendAnswered(now: now)
            case .retry(let after, let reason):
                retry(delivery, after: after, toTheCap: false, now: now)
                reporter.reportFailure(reason, isOurFault: false, health: health, pipeline: pipeline, now: now)
            case .holdBack(let reason):
                retry(delivery, after: nil, toTheCap: true, now: now)
                reporter.reportFailure(reason, isOurFault: true, health: health, pipeline: pipeline, now: now)
            case .drop(let dropReason, let reason):
                backendAnswered(now: now)
                drop(delivery, dropReason, because: reason)
            }
        }
        if delivered > 0 { pipeline.settleDelivered(delivered, bytes: deliveredBytes) }
    }

    private func backendAnswered(now: UInt64) {
        if let outage = health.succeeded(now: now) { reporter.reportRecovery(after: outage, pipeline: pipeline) }
    }

    private func retry(_ delivery: Delivery, after: Duration?, toTheCap: Bool, now: UInt64) {
        var delivery = delivery
        if delivery.attempts == 0 { delivery.deliveriesAtFirstFailure = deliveries }
        delivery.attempts += 1
        let othersGoThrough = deliveries > delivery.deliveriesAtFirstFailure
        if delivery.attempts >= Limit.attempts, othersGoThrough {
            drop(delivery, .retriesExhausted, because: "failed \(delivery.attempts) times while others were delivered")
        } else {
            // To the end of the line: an event that always fails must not keep the others from being tried.
            retries.append(delivery)
        }
        health.failed(now: now, retryAfter: after, toTheCap: toTheCap)
    }

    private func drop(_ delivery: Delivery, _ dropReason: DropReason, because reason: String) {
        if delivery.events.count > 1, dropReason == .rejected {
            // One bad event must not take the others with it: halve until it stands alone.
            let middle = delivery.events.count / 2
            retries.append(self.delivery(of: Array(delivery.events[..<middle])))
            retries.append(self.delivery(of: Array(delivery.events[middle...])))
            return
        }
        pipeline.settleDropped(dropReason, delivery.events.count, bytes: delivery.queueBytes)
        log.write(
            .warning, topic: "drop.\(dropReason.rawValue)",
            "dropped \(delivery.events.count == 1 ? "an event" : "\(delivery.events.count) events"): \(reason)")
    }
}
