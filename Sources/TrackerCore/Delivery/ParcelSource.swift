/// Chooses the next parcel to send: a retry, a new one, or one from disk; one event at a time, or several in a request
/// if the backend accepts that.
///
/// Unchecked properties: see ``DeliveryLoop``.
final class ParcelSource {
    private let outbox: Outbox
    private let writer: EventWriter
    private let store: ParcelStore?
    private let mayBatch: Bool
    private let gathers: Bool
    @exclusivity(unchecked) private var mode = Mode.unknown
    @exclusivity(unchecked) private var hasMetLines = false

    /// What the backend accepts in one request.
    private enum Mode {
        case unknown, single, lines
    }

    private enum Limit {
        /// How long lines are gathered before a partial batch is sent.
        static let gathering: UInt64 = 500_000_000
        /// How many times one parcel is tried while the backend is away before another one is.
        static let probes = 3
        /// How many events are written ahead at a time: while others are in flight, and while none are.
        static let writtenAhead = 16
        static let writtenInPause = 64
    }

    init(configuration: TrackerConfiguration, outbox: Outbox, writer: EventWriter, store: ParcelStore?) {
        self.outbox = outbox
        self.writer = writer
        self.store = store
        mayBatch = configuration.usesBatches
        // If each event is stored before it is sent, gathering would only delay it.
        gathers = store == nil || configuration.spoolAfter > .zero
    }

    /// Whether several events go in one request.
    var sendsLines: Bool { mode == .lines && mayBatch }

    /// - Parameter acceptsLines: whether the backend said that it accepts several events at once.
    func learn(acceptsLines: Bool) {
        if acceptsLines { mode = .lines } else if mode == .unknown { mode = .single }
    }

    // MARK: Memory

    func nextFromMemory(now: UInt64, isAway: Bool, _ orders: Mailbox.Orders) -> Parcel? {
        guard isAway else { return outbox.due.popFirst() ?? nextNew(now, orders) }
        // Don't always try the same parcel, which may itself be the cause of the failures.
        return outbox.takeProbe(triedLessThan: Limit.probes) ?? nextNew(now, orders) ?? outbox.takeProbe()
    }

    private func nextNew(_ now: UInt64, _ orders: Mailbox.Orders) -> Parcel? {
        if let staged = outbox.staged.popFirst() { return staged }
        guard sendsLines else { return outbox.ready.popFirst() ?? writer.next(lines: 1) }
        guard isBatchDue(now, orders) else { return nil }
        return nextReadyBatch()
            ?? writer.next(
                lines: Parcel.maximumLines, yields: !orders.isClosed && !orders.isAwaited && !orders.isFilling)
    }

    /// Returns the next ready parcel, filled up with untried parcels of one event each.
    private func nextReadyBatch() -> Parcel? {
        guard var batch = outbox.ready.popFirst() else { return nil }
        guard batch.isUntouched else { return batch }
        while !batch.isFull, let next = outbox.ready.first, next.count == 1, next.isUntouched,
            let next = outbox.ready.popFirst()
        {
            batch.absorb(next)
        }
        return batch
    }

    private func isBatchDue(_ now: UInt64, _ orders: Mailbox.Orders) -> Bool {
        // In a small queue, gathering a whole batch would leave no room for the next event.
        guard gathers, !orders.isClosed, !orders.isAwaited, !orders.isFilling else { return true }
        if outbox.ready.first?.isFull == true { return true }
        guard let age = outbox.ready.first?.age ?? writer.oldestAge() else { return false }
        return outbox.ready.count + writer.unwritten >= Parcel.maximumLines
            || SystemClock.hasPassed(Limit.gathering, since: age, now)
    }

    /// The conditions that end the gathering of a batch.
    struct Gathering {
        /// When it is due even if it is not full, in monotonic nanoseconds.
        let until: UInt64
        /// How many events in the mailbox make it full.
        let events: Int
    }

    /// - Returns: nil if no batch is being gathered.
    func gathering(now: UInt64, _ orders: Mailbox.Orders) -> Gathering? {
        guard sendsLines, outbox.due.isEmpty, outbox.staged.isEmpty, !isBatchDue(now, orders),
            let age = outbox.ready.first?.age ?? writer.oldestAge()
        else { return nil }
        return Gathering(
            until: age &+ Limit.gathering, events: Parcel.maximumLines - outbox.ready.count - writer.backlogCount)
    }

    /// Returns the oldest parcel that was never sent, to be stored.
    ///
    /// - Parameter age: how old it must be, in nanoseconds.
    func nextUntried(now: UInt64, age: UInt64) -> Parcel? {
        guard let oldest = outbox.ready.first?.age ?? writer.oldestAge(),
            SystemClock.hasPassed(age, since: oldest, now)
        else { return nil }
        if let ready = sendsLines ? nextReadyBatch() : outbox.ready.popFirst() { return ready }
        return writer.next(lines: sendsLines ? Parcel.maximumLines : 1)
    }

    // MARK: Writing ahead

    /// Whether enough events wait to be worth writing ahead.
    var mayWriteAhead: Bool {
        writer.unwritten >= (sendsLines ? Parcel.maximumLines : EventQueue.chunkSize)
            || writer.backlogCount > 0 && !sendsLines
    }

    /// Encodes waiting events. As JSON they take less memory than as requests with all their fields, and no longer hold
    /// objects of the app.
    func writeAhead(isSending: Bool) {
        let lines = sendsLines ? Parcel.maximumLines : 1
        let count = isSending ? Limit.writtenAhead : Limit.writtenInPause
        for _ in 0..<(lines == 1 ? count : 1) {
            guard let parcel = writer.next(lines: lines) else { break }
            outbox.ready.append(parcel)
        }
        DetachedThread.yieldProcessor()
    }

    // MARK: Disk

    /// Whether spooled events wait until it is known how many events the backend accepts in a request.
    ///
    /// A stored parcel of several events may have been sent whole before, and may have arrived. Sending its events one
    /// by one now would duplicate them under other keys; sending it whole may be more than the backend accepts. The
    /// response to the first new event tells.
    var isDiskHeld: Bool { mode == .unknown && hasMetLines }

    /// Whether to load stored parcels. Beyond the limit, those that fail would be left to the disk again, only to be
    /// read and sent at once.
    var mayTakeFromDisk: Bool {
        !isDiskHeld && outbox.waitingCount + outbox.flyingCount < Outbox.maximumWaiting
    }

    func nextFromDisk(now: UInt64) -> Parcel? {
        if let part = outbox.due.popFirst() { return part }
        guard mayTakeFromDisk, let parcel = store?.next(now: now), let disk = parcel.disk else { return nil }
        if parcel.count == 1 || sendsLines && !disk.place.isSplit { return parcel }
        if mode == .unknown, mayBatch, !disk.place.isSplit {
            hasMetLines = true
            store?.giveBack(disk)
            return nil
        }
        // After a restart it must not be sent whole: some of its events may have arrived by then.
        disk.place.split()
        for part in parcel.singles { outbox.due.append(part) }
        return outbox.due.popFirst()
    }
}
