import CPlatform

/// The delivery thread's work: takes events off the queue, encodes them, sends them, and settles what became of them.
///
/// Everything here belongs to that one thread; what others may see is in the pipeline.
final class DeliveryLoop {
    private let pipeline: DeliveryPipeline
    private let transport: any EventTransport
    private let log: TrackerLog
    private let isBatching: Bool
    private let drainsSpool: Bool
    private let feed: SpoolFeed?
    private var nextSpooling: UInt64 = 0
    private let source: EventSource
    private let identifiers: EventIdentifierGenerator
    private var health: BackendHealth
    private var brake: DeliveryBrake

    private var session: (any TransportSession)?
    private var nextOpening: UInt64 = 0
    /// In no order; so few that looking for one is cheaper than hashing.
    private var inFlight: [Delivery] = []
    /// Whether nothing came back when there was time to wait for it.
    private var isStalled = false
    private var retries: [Delivery] = []
    private var nextIdentifier: UInt64 = 1
    private var acceptsLines = false
    private var sendsBatches: Bool { acceptsLines && isBatching }
    private var deliveries = 0
    private var lastActivity: UInt64 = 0
    private var knownHurries = 0
    private var reporter: DeliveryReporter

    init(
        configuration: TrackerConfiguration, transport: any EventTransport, pipeline: DeliveryPipeline, log: TrackerLog
    ) {
        self.pipeline = pipeline
        self.transport = transport
        self.log = log
        isBatching = configuration.usesBatches
        source = EventSource(configuration: configuration, pipeline: pipeline, log: log)
        identifiers = source.identifiers
        health = BackendHealth(policy: configuration.retryPolicy)
        reporter = DeliveryReporter(log: log)
        drainsSpool = configuration.drainsSpoolAtShutdown
        let usage = ThreadUsage.Reader()
        brake = DeliveryBrake(processors: Int(cplatform_processors())) { usage?.read() }
        feed = SpoolFeed(configuration: configuration, pipeline: pipeline, log: log)
    }

    func run() {
        while true {
            let orders = pipeline.orders()
            let now = SystemClock.monotonicNanoseconds()
            if orders.hurries != knownHurries {
                knownHurries = orders.hurries
                health.hurry()
            }
            let stopAt = orders.stopAt.map { lastMoment(before: $0, now: now) }
            if let stopAt, now >= stopAt { break }
            // Batches cost so little that there is nothing to gain.
            if !sendsBatches, !orders.isClosed, !orders.isAwaited,
                let until = brake.rest(now: now, refusals: orders.refusals)
            {
                pipeline.sleep(until: until, or: .nothingElse)
                continue
            }
            fill(now: now, orders)
            pipeline.notifyWaiters { oldestOutstanding }
            reporter.reportDrops(pipeline: pipeline, isBraking: brake.isOn, now: now)
            let isIdle = inFlight.isEmpty && retries.isEmpty && source.isEmpty
            if orders.isClosed, mayStop(isIdle: isIdle, now: now, stopAt: stopAt) { break }
            rest(now: now, isIdle: isIdle && !feedHasWork(now: now, isClosed: orders.isClosed), stopAt: stopAt)
        }
        end()
    }

    /// When to stop sending: early enough for what is left to go to disk before the deadline.
    private func lastMoment(before deadline: UInt64, now: UInt64) -> UInt64 {
        guard feed != nil, deadline > now else { return deadline }
        let needed =
            DeliveryLimit.spoolingReserve + UInt64(pipeline.statistics.pending) * DeliveryLimit.spoolingPerEvent
        return deadline - now > needed ? deadline - needed : now
    }

    private func mayStop(isIdle: Bool, now: UInt64, stopAt: UInt64?) -> Bool {
        if isIdle { return !(drainsSpool && !health.isDown && feed?.hasWork(now: now) == true) }
        guard inFlight.isEmpty, health.pausedUntil > now else { return false }
        // On disk is as good as it gets; without a disk, a try that comes too late is none.
        return feed != nil || stopAt.map { health.pausedUntil >= $0 } ?? false
    }

    /// Whether the spool has something that may be sent now.
    private func feedHasWork(now: UInt64, isClosed: Bool) -> Bool {
        guard let feed, !isClosed || drainsSpool else { return false }
        return feed.hasWork(now: now)
    }

    private func end() {
        session?.cancel()
        if let feed {
            pipeline.beginsSpooling()
            for var delivery in inFlight.sorted(by: { $0.sequence < $1.sequence }) {
                delivery.attempts += 1
                retries.append(delivery)
            }
            inFlight.removeAll()
            for delivery in retries { delivery.spoolPart?.segment.claim.release() }
            spoolEverything(feed)
            feed.close()
        }
        reporter.reportEnd(pipeline: pipeline)
        pipeline.threadEnds()
    }

    private var oldestOutstanding: UInt64? {
        var oldest = source.oldestAhead
        for delivery in inFlight { oldest = min(oldest ?? .max, delivery.sequence) }
        for delivery in retries { oldest = min(oldest ?? .max, delivery.sequence) }
        // Nobody waits for what comes from the spool.
        return oldest == .max ? nil : oldest
    }

    // MARK: Sending

    private func fill(now: UInt64, _ orders: DeliveryPipeline.Orders) {
        if let feed { relieveMemory(feed, now: now) }
        let hasWork = feedHasWork(now: now, isClosed: orders.isClosed)
        guard !retries.isEmpty || !source.isEmpty || hasWork else { return }
        guard let session = openSession(now: now) else { return giveUpSending() }
        var free = health.allowance(now: now, maximum: session.maximumInFlight) - inFlight.count
        while free > 0, let index = nextRetry() {
            send(retries.remove(at: index), over: session)
            free -= 1
        }
        // The past must not wait until there is no present.
        let reserved = hasWork && free > 1 ? 1 : 0
        if sendsBatches {
            let isHurried = orders.isClosed || orders.isAwaited
            while free > reserved, let delivery = nextBatch(isHurried: isHurried) {
                send(delivery, over: session)
                free -= 1
            }
        } else if free > reserved {
            // Twice, because a chunk of the queue may end with fewer; what is left comes with the next turn.
            for _ in 0..<2 where free > reserved {
                var sent = 0
                _ = source.take(free - reserved) { event in
                    send(delivery(.event(event)), over: session)
                    sent += 1
                }
                free -= sent
            }
        }
        while hasWork, free > 0, let delivery = nextFromSpool() {
            send(delivery, over: session)
            free -= 1
        }
    }

    /// Which retry comes next; while the backend is down not always the same, which may itself be what fails.
    private func nextRetry() -> Int? {
        guard health.isDown, !source.isEmpty else { return retries.isEmpty ? nil : 0 }
        return retries.firstIndex { $0.attempts < DeliveryLimit.probes }
    }

    private func nextFromSpool() -> Delivery? {
        nextIdentifier += 1
        return feed?.next(lines: sendsBatches, identifier: nextIdentifier)
    }

    private func nextBatch(isHurried: Bool) -> Delivery? {
        guard let batch = source.batch(isHurried: isHurried) else { return nil }
        guard batch.count == 1, let event = batch.events(identifiers).first else { return delivery(.batch(batch)) }
        return delivery(.event(event))
    }

    private func delivery(_ content: Delivery.Content) -> Delivery {
        nextIdentifier += 1
        let key = if case .event(let event) = content { event.identifier } else { identifiers.next() }
        return Delivery(content: content, identifier: nextIdentifier, idempotencyKey: key)
    }

    private func send(_ delivery: Delivery, over session: any TransportSession) {
        if delivery.attempts > 0 { pipeline.countRetried(delivery.eventCount) }
        inFlight.append(delivery)
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
            nextOpening = now + DeliveryLimit.reopening
            log.write(.error, topic: "transport", "\(error)")
            return nil
        }
    }

    // MARK: Without a backend

    private func giveUpSending() {
        if let feed { return spoolEverything(feed) }
        for delivery in retries {
            pipeline.settleDropped(.transportUnavailable, delivery.eventCount, bytes: delivery.queueBytes)
        }
        retries.removeAll()
        while source.take(.max, { pipeline.settleDropped(.transportUnavailable, 1, bytes: $0.queueBytes) }) {}
    }

    /// Puts events on disk where memory is about to be full, or would be lost with the process for too long.
    private func relieveMemory(_ feed: SpoolFeed, now: UInt64) {
        if let downSince = health.downSince, now &- downSince >= DeliveryLimit.patience, now >= nextSpooling {
            nextSpooling = now &+ DeliveryLimit.spooling
            spoolEverything(feed)
        }
        while pipeline.isFilling, spoolSome(feed) {}
    }

    private func spoolEverything(_ feed: SpoolFeed) {
        let fromMemory = retries.filter { $0.spoolPart == nil }
        retries.removeAll { $0.spoolPart == nil }
        feed.store(fromMemory)
        while spoolSome(feed) {}
    }

    /// - Returns: whether there was anything.
    private func spoolSome(_ feed: SpoolFeed) -> Bool {
        var deliveries: [Delivery] = []
        while deliveries.count < 256, source.take(256 - deliveries.count, { deliveries.append(delivery(.event($0))) }) {
        }
        guard !deliveries.isEmpty else { return false }
        feed.store(deliveries)
        return true
    }

    // MARK: Waiting

    private func rest(now: UInt64, isIdle: Bool, stopAt: UInt64?) {
        let latest = stopAt ?? .max
        if !inFlight.isEmpty, let session {
            if isStalled, source.mayEncodeAhead {
                // What the backend has for us comes first.
                let completions = session.wait(atMost: .zero)
                if completions.isEmpty { source.encodeAhead(DeliveryLimit.encodedAhead) }
                return settle(completions)
            }
            let hasRoom = health.allowance(now: now, maximum: session.maximumInFlight) > inFlight.count
            // With a spool, a queue that fills has to be noticed in time.
            let mustLook = hasRoom || feed != nil || !isStalled
            let limit = min(mustLook ? DeliveryLimit.look : 10 * DeliveryLimit.look, latest - now)
            let completions = session.wait(atMost: .nanoseconds(Int64(limit)))
            isStalled = completions.isEmpty
            settle(completions)
        } else if !isIdle {
            lastActivity = now
            if source.mayEncodeAhead { return source.encodeAhead(EventQueue.chunkSize) }
            // A pause, or lines that are being gathered.
            var until = health.pausedUntil > now ? health.pausedUntil : now + DeliveryLimit.look
            // Requests don't ring during a pause, but what they leave should not stay as it is for long.
            until = min(until, now + DeliveryLimit.spooling)
            pipeline.sleep(until: min(until, latest), or: .fullness)
        } else if now &- lastActivity < DeliveryLimit.linger {
            pipeline.sleep(until: now + DeliveryLimit.look, or: .fullness)
        } else {
            pipeline.sleep(until: feed?.nextLookAt, or: .event)
            lastActivity = SystemClock.monotonicNanoseconds()
        }
    }

    // MARK: Settling

    private func settle(_ completions: [DeliveryCompletion]) {
        guard !completions.isEmpty else { return }
        let now = SystemClock.monotonicNanoseconds()
        lastActivity = now
        isStalled = false
        var delivered = 0
        var deliveredBytes = 0
        for completion in completions {
            guard let place = inFlight.firstIndex(where: { $0.identifier == completion.identifier }) else { continue }
            inFlight.swapAt(place, inFlight.count - 1)
            let delivery = inFlight.removeLast()
            if completion.acceptsLines { acceptsLines = true }
            switch completion.outcome {
            case .delivered:
                deliveries += 1
                if let part = delivery.spoolPart {
                    feed?.delivered(delivery, part)
                } else {
                    delivered += delivery.eventCount
                    deliveredBytes += delivery.queueBytes
                }
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
        guard let outage = health.succeeded(now: now) else { return }
        reporter.reportRecovery(after: outage, pipeline: pipeline)
        feed?.lookSoon()
    }

    private func retry(_ delivery: Delivery, after: Duration?, toTheCap: Bool, now: UInt64) {
        var delivery = delivery
        delivery.attempts += 1
        if delivery.attempts == 1 || deliveries > delivery.deliveriesAtLastFailure { delivery.ownFailures += 1 }
        delivery.deliveriesAtLastFailure = deliveries
        if delivery.ownFailures >= DeliveryLimit.ownFailures {
            drop(delivery, .retriesExhausted, because: "failed \(delivery.attempts) times while others were delivered")
        } else {
            // To the end of the line: an event that always fails must not keep the others from being tried.
            retries.append(delivery)
        }
        health.failed(now: now, retryAfter: after, toTheCap: toTheCap)
    }

    private func drop(_ delivery: Delivery, _ dropReason: DropReason, because reason: String) {
        if delivery.eventCount > 1, dropReason == .rejected {
            // One bad event must not take the others with it: halve until it stands alone.
            let events = delivery.events(identifiers)
            let middle = events.count / 2
            let halves = [events[..<middle], events[middle...]].filter { !$0.isEmpty }
            delivery.spoolPart?.openDeliveries += halves.count - 1
            for half in halves {
                var part = self.delivery(half.count == 1 ? .event(half[half.startIndex]) : .batch(EventBatch(half)))
                part.spoolPart = delivery.spoolPart
                retries.append(part)
            }
            return
        }
        // First, so that whoever sees the count finds the reason in the log.
        log.write(
            .warning, topic: "drop.\(dropReason.rawValue)",
            "dropped \(delivery.eventCount == 1 ? "an event" : "\(delivery.eventCount) events"): \(reason)")
        if let part = delivery.spoolPart {
            feed?.dropped(delivery, part, dropReason)
        } else {
            pipeline.settleDropped(dropReason, delivery.eventCount, bytes: delivery.queueBytes)
        }
    }
}
