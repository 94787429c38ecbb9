import CPlatform

/// The delivery thread's main loop, in turns: take events, write parcels, send, settle, rest.
///
/// All state belongs to that thread; what it shares with others is in the mailbox.
///
/// In the classes of the delivery thread, properties that are used for each event are marked `@exclusivity(unchecked)`,
/// because the checks would cost a twentieth of a delivery's CPU time. That is safe: only this thread touches them, and
/// no call made while one of them is being changed leads back to it.
final class DeliveryLoop {
    private let mailbox: Mailbox
    private let clock: DeliveryClock
    private let writer: EventWriter
    private let link: BackendLink
    private let store: ParcelStore?
    private let source: ParcelSource
    private let outbox = Outbox()
    private let settlement: Settlement
    private let drainsSpool: Bool
    @exclusivity(unchecked) private var memory: MemoryGuard?
    @exclusivity(unchecked) private var brake: DeliveryBrake
    @exclusivity(unchecked) private var reporter: DeliveryReporter
    @exclusivity(unchecked) private var orders = Mailbox.Orders()
    @exclusivity(unchecked) private var knownFlushes = 0
    @exclusivity(unchecked) private var lastActivity: UInt64 = 0
    /// Whether the last wait returned no completion.
    @exclusivity(unchecked) private var isStalled = false

    private enum Limit {
        /// The shortest and the longest interval at which the thread polls the queue while requests come in, instead of
        /// being woken by each. The interval grows with the time since the last activity.
        static let look: UInt64 = 5_000_000
        static let longestLook: UInt64 = 25_000_000
        /// How long the thread keeps polling after the last activity before it sleeps.
        static let linger: UInt64 = 100_000_000
        /// The longest sleep while delivery pauses, when requests don't wake the thread, and while all events wait for
        /// their retry.
        static let pause: UInt64 = 100_000_000
    }

    init(
        configuration: TrackerConfiguration, transport: any EventTransport, mailbox: Mailbox, log: TrackerLog,
        clock: DeliveryClock = .system
    ) {
        self.mailbox = mailbox
        self.clock = clock
        writer = EventWriter(configuration: configuration, mailbox: mailbox, outbox: outbox, log: log)
        link = BackendLink(transport: transport, log: log)
        store = ParcelStore(configuration: configuration, mailbox: mailbox, log: log)
        source = ParcelSource(configuration: configuration, outbox: outbox, writer: writer, store: store)
        settlement = Settlement(
            configuration: configuration, mailbox: mailbox, outbox: outbox, store: store, log: log)
        memory = store.map { [outbox, source] in
            MemoryGuard(configuration: configuration, store: $0, source: source, outbox: outbox)
        }
        drainsSpool = configuration.drainsSpoolAtShutdown
        brake = DeliveryBrake(processors: Int(cplatform_processors()), usage: clock.usage)
        reporter = DeliveryReporter(
            log: log, maximumConnections: configuration.maximumConnections, usage: clock.usage)
    }

    /// - Parameter beforeSleep: called before the thread sleeps, if nothing is in flight.
    /// - Returns: false if a shutdown has nothing left to do, or no time left.
    func turn(beforeSleep: () -> Void = {}) -> Bool {
        let now = clock.now()
        let status = DeliveryStatus(outbox, link, settlement.pacer, store)
        orders = mailbox.orders(reporting: status)
        writer.mailboxCount = orders.waiting
        if orders.flushes != knownFlushes {
            knownFlushes = orders.flushes
            settlement.pacer.endOwnPause()
            outbox.releaseAll()
        }
        let ending = ShutdownDeadline(
            orders, hasDisk: store.map { $0.reasonOfRefusal == nil } ?? false, lastSign: settlement.pacer.lastSuccess,
            now: now)
        if now >= ending.stopAt { return false }
        // Batches cost so little that braking gains nothing.
        if !source.sendsLines, !orders.isClosed, !orders.isAwaited,
            let until = brake.rest(now: now, refusals: orders.refusals)
        {
            clock.sleep(mailbox, until, .nothingElse)
            return true
        }
        outbox.releaseDue(now: now)
        if memory != nil, outbox.hasUnsent || writer.hasUnwritten {
            // Before the spool, so that the session gets its file descriptors first.
            _ = link.open(now: now, isUrgent: orders.isClosed)
        }
        memory?.turn(now: now, room: room(now), isFilling: orders.isFilling, isAway: settlement.pacer.isAway)
        let mayHaveStored = storeHasWork(now)
        send(now, fromDisk: mayHaveStored)
        if outbox.flyingCount != status.backend.inFlight {
            // Update the status now, since the rest may be long.
            mailbox.record { $0.delivery = DeliveryStatus(outbox, link, settlement.pacer, store) }
        }
        if orders.isAwaited { mailbox.wakeWaiters(oldestUnsettled: oldest) }
        reporter.report(
            orders, status, isBraking: brake.isOn, spoolRefusal: store?.reasonOfRefusal,
            pending: orders.open, now: now)
        let isIdle = outbox.isEmpty && !writer.hasUnwritten
        if orders.isClosed {
            let drains = drainsSpool && mayHaveStored && !settlement.pacer.isAway
            if isIdle ? !drains : ending.givesUp(settlement.pacer, flying: outbox.flyingCount, now) { return false }
        }
        if outbox.flyingCount == 0 { beforeSleep() }
        rest(now, isIdle: isIdle, mayHaveStored: mayHaveStored, until: ending.stopAt)
        return true
    }

    /// The number of the oldest event that is neither settled nor on disk; nil if there is none.
    private var oldest: UInt64? {
        let written = outbox.oldest
        return writer.oldestSequence.map { min($0, written ?? .max) } ?? written
    }

    // MARK: Sending

    private func room(_ now: UInt64) -> Int {
        settlement.pacer.room(now: now, inFlight: outbox.flyingCount, maximum: link.maximumInFlight)
    }

    private func send(_ now: UInt64, fromDisk: Bool) {
        let isAway = settlement.pacer.isAway
        guard outbox.hasUnsent || writer.hasUnwritten || fromDisk || isAway && outbox.waitingCount > 0 else {
            settlement.pacer.isLimited = false
            return
        }
        guard link.open(now: now, isUrgent: orders.isClosed) else { return withoutTransport(now) }
        var room = room(now)
        // Keep a slot for stored events, so that new ones can't starve them.
        let reserved = fromDisk && room > 1 ? 1 : 0
        while room > reserved, outbox.mayFly,
            let parcel = source.nextFromMemory(now: now, isAway: isAway, orders)
        {
            send(parcel, now)
            room -= 1
        }
        while fromDisk, room > 0, outbox.mayFly, let parcel = source.nextFromDisk(now: now) {
            send(parcel, now)
            room -= 1
        }
        settlement.pacer.isLimited = room <= reserved && (outbox.hasUnsent || writer.hasUnwritten || fromDisk)
    }

    private func send(_ parcel: Parcel, _ now: UInt64) {
        var parcel = parcel
        if parcel.attempts > 0 { mailbox.record { $0.countRetried(parcel.count) } }
        parcel.sentAt = now
        lastActivity = now
        link.start(parcel, number: outbox.launch(parcel))
    }

    /// Spools the events; without a spool, keeps them for a while in case the transport recovers.
    private func withoutTransport(_ now: UInt64) {
        if let memory {
            for parcel in memory.storeAll(now: now) { outbox.ready.append(parcel) }
        } else if link.hasGivenUp(now: now) || orders.isClosed || orders.isAwaited {
            for parcel in outbox.takeAll() { settlement.drop(parcel, .transportUnavailable) }
            while let parcel = writer.next(lines: 1) { settlement.drop(parcel, .transportUnavailable) }
        }
    }

    // MARK: Resting

    /// Whether the spool has something that may be sent now.
    private func storeHasWork(_ now: UInt64) -> Bool {
        guard let store, !orders.isClosed || drainsSpool, source.mayTakeFromDisk else { return false }
        return store.hasWork(now: now)
    }

    private func rest(_ now: UInt64, isIdle: Bool, mayHaveStored: Bool, until latest: UInt64) {
        if outbox.flyingCount > 0 {
            if isStalled, source.mayWriteAhead {
                // Completions come first.
                let completions = link.wait(atMost: 0)
                if completions.isEmpty { source.writeAhead(isSending: true) }
                return settle(completions)
            }
            // With a spool, events must be stored before they grow too old.
            let mustLook = room(now) > 0 || store != nil || !isStalled
            var limit = min(mustLook ? nextLook(now) : 10 * Limit.look, latest - now)
            if let due = outbox.nextDue { limit = min(limit, max(due, now) - now) }
            settle(link.wait(atMost: limit))
        } else if !isIdle || mayHaveStored {
            lastActivity = now
            writer.releaseWritten()
            if source.mayWriteAhead { return source.writeAhead(isSending: false) }
            let paused = settlement.pacer.pausedUntil
            guard paused <= now else {
                return clock.sleep(mailbox, min(now + Limit.pause, paused, latest), .events(.max))
            }
            let gathering = source.gathering(now: now, orders)
            // Nothing is left but events that wait for their retry.
            let isWaiting = !outbox.hasUnsent && !writer.hasUnwritten && !mayHaveStored
            let look = now + (isWaiting ? Limit.pause : Limit.look)
            var until = min(gathering?.until ?? look, latest)
            if let due = outbox.nextDue { until = min(until, due) }
            if let memory { until = min(until, max(memory.nextTurn, look)) }
            clock.sleep(mailbox, until, .events(isWaiting ? 1 : gathering?.events ?? .max))
        } else if now &- lastActivity < Limit.linger {
            clock.sleep(mailbox, now + nextLook(now), .events(.max))
        } else {
            sleep(now)
        }
    }

    /// The time to wait before the next poll for new events.
    private func nextLook(_ now: UInt64) -> UInt64 {
        min(max(Limit.look, (now &- lastActivity) / 2), Limit.longestLook)
    }

    private func sleep(_ now: UInt64) {
        store?.rest()
        _ = outbox.takeSpare()
        writer.releaseWritten()
        var until = link.closeIdleConnections(unusedSince: lastActivity, now: now)
        if let look = store?.nextLookAt, !source.isDiskHeld { until = min(until ?? .max, look) }
        clock.sleep(mailbox, until, .event)
        // Before the deadline, only an event, a flush or a shutdown wakes the thread.
        let after = clock.now()
        if until.map({ after < $0 }) ?? true { lastActivity = after }
    }

    private func settle(_ completions: [DeliveryCompletion]) {
        isStalled = completions.isEmpty
        guard !isStalled else { return }
        let now = clock.now()
        lastActivity = now
        for completion in completions where completion.outcome == .delivered {
            source.learn(acceptsLines: completion.acceptsLines)
        }
        settlement.settle(
            completions, now: now, maximum: link.maximumInFlight, isUrgent: orders.isClosed || orders.isAwaited,
            &reporter)
    }

    // MARK: Ending

    func end() {
        link.cancel()
        if let memory, let store {
            mailbox.beginSpooling()
            for parcel in memory.storeAll(now: clock.now()) { settlement.drop(parcel, .spoolFailed) }
            store.close()
        }
        reporter.reportEnd(mailbox)
        mailbox.threadEnds()
    }
}
