import CPlatform

/// The bounded queue between requests and the delivery thread; also wakes that thread.
///
/// All state changes under one lock, so that the ledger adds up at any time. The lock is held for a few instructions
/// and never across I/O or callbacks. After a fork the child's mailbox is empty and counts from zero.
final class Mailbox: Sendable {
    /// The condition that wakes the delivery thread before its deadline. A flush or a shutdown always wakes it.
    enum Alarm {
        /// Any event.
        case event
        /// The queue holds this many events or is filling up. Spares most requests the system call.
        case events(Int)
        case nothingElse
    }

    private let state = ThreadLock(MailboxState(), survivesFork: true)
    private let capacity: Int
    private let maximumBytes: Int
    /// Starts the delivery thread; returns whether it succeeded.
    private let startThread: @Sendable (Mailbox) -> Bool

    init(capacity: Int, maximumBytes: Int, startThread: @escaping @Sendable (Mailbox) -> Bool) {
        self.capacity = capacity
        self.maximumBytes = maximumBytes
        self.startThread = startThread
    }

    /// Runs `body` under the lock. A forked child first resets its state; the parent keeps the events.
    @inline(__always)
    private func withState<Result>(_ body: (inout MailboxState) throws -> Result) rethrows -> Result {
        try state.withLock { state in
            state.noticeFork()
            return try body(&state)
        }
    }

    // MARK: Request side

    /// Enqueues an event, or counts why it was refused. Never waits.
    ///
    /// - Parameter ticket: the measurement's; a second event with the same ticket is ignored.
    func capture(_ request: consuming TrackedRequest, ticket: UInt64) {
        let bytes = request.approximateBytes
        let (mustRing, mustStart, written) = state.withLock(moving: request) {
            state, request -> (Bool, Bool, TrackedRequest?) in
            state.noticeFork()
            guard state.finished.insert(ticket) else { return (false, false, nil) }
            if state.isClosed {
                state.ledger.refuse(.shutdown)
                return (false, false, nil)
            }
            guard state.ledger.open < capacity, state.ledger.openBytes + bytes <= maximumBytes else {
                state.ledger.refuse(.queueFull)
                return (false, false, nil)
            }
            let written = state.queue.append(request)
            state.ledger.admit(bytes: bytes)
            var mustRing = state.isAsleep
            if let wakeCount = state.wakeCount { mustRing = state.queue.count >= wakeCount || isFilling(state) }
            if mustRing { state.ring() }
            let mustStart = !state.isThreadStarted
            state.isThreadStarted = true
            return (mustRing, mustStart, written)
        }
        _ = consume written
        if mustRing { state.signal() }
        if mustStart, !startThread(self) { withState { $0.isThreadStarted = false } }
    }

    /// Counts a measurement that ends without an event.
    func count(_ ticket: UInt64, as change: (inout Ledger) -> Void) {
        withState { state in
            if state.finished.insert(ticket) { change(&state.ledger) }
        }
    }

    func countIgnored() { withState { $0.ledger.countIgnored() } }

    private func isFilling(_ state: borrowing MailboxState) -> Bool {
        state.ledger.open >= capacity - capacity / 4 || state.ledger.openBytes >= maximumBytes - maximumBytes / 4
    }

    // MARK: Any thread

    var statistics: TrackerStatistics { withState { $0.ledger.statistics } }

    /// Flushes, and calls `wake` once everything captured so far is settled.
    ///
    /// - Parameter awaitsEnd: wait for the thread to end instead, after it was told to stop.
    /// - Returns: a number for ``cancelWait(_:)``; nil if there is nothing to wait for, in which case `wake` is not
    ///   called.
    func notifyWhenSettled(awaitsEnd: Bool = false, _ wake: @escaping @Sendable () -> Void) -> UInt64? {
        let identifier = withState { state -> UInt64? in
            guard awaitsEnd || state.ledger.open > 0, !state.isThreadEnded else { return nil }
            state.flushes += 1
            state.nextWaiter += 1
            state.waiters.append(
                MailboxState.Waiter(
                    identifier: state.nextWaiter,
                    sequence: awaitsEnd ? .max : state.dequeued + UInt64(state.queue.count), wake: wake))
            state.ring()
            return state.nextWaiter
        }
        if identifier != nil { state.signal() }
        return identifier
    }

    func cancelWait(_ identifier: UInt64) {
        withState { state in state.waiters.removeAll { $0.identifier == identifier } }
    }

    /// Refuses new events; the thread continues until all are settled or time is up.
    ///
    /// - Parameters:
    ///   - stopAt: the deadline, in monotonic nanoseconds.
    ///   - patience: how long to wait for a backend that accepts nothing; nil: until `stopAt`.
    /// - Returns: whether the thread is still running.
    func close(stopAt: UInt64, patience: Patience? = nil) -> Bool {
        let isRunning = withState { state -> Bool in
            if !state.isClosed { state.patience = patience }
            state.isClosed = true
            state.flushes += 1
            state.stopAt = min(state.stopAt ?? stopAt, stopAt)
            state.ring()
            return state.isThreadStarted && !state.isThreadEnded
        }
        state.signal()
        return isRunning
    }

    /// Drops all open events, for a shutdown that timed out because the thread is stuck.
    ///
    /// - Parameter isLast: the process is ending, so drop even while the thread writes to disk.
    func abandon(isLast: Bool = false) {
        let abandoned = withState { state -> EventQueue in
            state.isClosed = true
            guard isLast || !state.isSpooling else { return EventQueue() }
            state.isThreadEnded = true
            return Self.dropAll(&state)
        }
        // Release the app's objects outside the lock.
        _ = consume abandoned
    }

    private static func dropAll(_ state: inout MailboxState) -> EventQueue {
        state.ledger.dropAll(.shutdown)
        var queue = EventQueue()
        swap(&queue, &state.queue)
        return queue
    }

    // MARK: Delivery thread

    /// Records the thread's status, and returns its orders for the next turn.
    func orders(reporting status: DeliveryStatus) -> Orders {
        let (orders, written) = withState { state -> (Orders, [[TrackedRequest]]) in
            state.ledger.delivery = status
            state.wasFilling = isFilling(state)
            let orders = Orders(
                isClosed: state.isClosed, stopAt: state.stopAt, patience: state.patience, flushes: state.flushes,
                isAwaited: !state.waiters.isEmpty, refusals: state.ledger.refused, isFilling: state.wasFilling,
                waiting: state.queue.count, open: state.ledger.open)
            // While few requests come in, no other thread would soon release the app's objects that written events may
            // hold.
            let isQuiet = state.queue.isEmpty || state.admitted == state.admittedBefore
            state.admittedBefore = state.admitted
            return (orders, isQuiet ? state.queue.takeWritten() : [])
        }
        _ = consume written
        return orders
    }

    var isClosed: Bool { withState { $0.isClosed } }

    /// Takes the oldest events off the queue, at most one chunk.
    ///
    /// - Returns: the number of the first event.
    func refill(_ backlog: inout EventBacklog) -> UInt64 {
        let (sequence, written) = withState { state -> (UInt64, [TrackedRequest]) in
            let written = backlog.refill(from: &state.queue)
            state.ledger.take(backlog.count)
            defer { state.dequeued += UInt64(backlog.count) }
            return (state.dequeued, written)
        }
        _ = consume written
        return sequence
    }

    /// Changes the counts.
    func record(_ change: (inout Ledger) -> Void) {
        withState { state in
            change(&state.ledger)
            if state.wasFilling, !isFilling(state) { state.wasFilling = false }
        }
    }

    /// Sleeps until woken or until the deadline.
    ///
    /// - Parameter deadline: monotonic nanoseconds; nil: none.
    func sleep(until deadline: UInt64?, or alarm: Alarm) {
        let mayRest = withState { state -> Bool in
            switch alarm {
            case .event:
                guard state.queue.isEmpty, !state.isClosed else { return false }
                state.isAsleep = true
            case .events(let count):
                // Refused events don't signal the thread, so don't sleep if the queue has filled up since the last
                // turn.
                guard state.queue.count < count, state.wasFilling || !isFilling(state) else { return false }
                state.wakeCount = count
            case .nothingElse: break
            }
            return true
        }
        guard mayRest else { return }
        _ = state.wait(until: deadline) { $0.isRung ? true : nil }
        withState {
            $0.isRung = false
            $0.isAsleep = false
            $0.wakeCount = nil
        }
    }

    func beginSpooling() { withState { $0.isSpooling = true } }

    /// Wakes waiters whose events are all settled.
    ///
    /// - Parameter oldestUnsettled: the number of the oldest unsettled event that the delivery thread has.
    func wakeWaiters(oldestUnsettled: UInt64?) {
        let ready = withState { state -> [MailboxState.Waiter] in
            let oldest = oldestUnsettled ?? state.dequeued
            let ready = state.waiters.filter { $0.sequence <= oldest }
            if !ready.isEmpty { state.waiters.removeAll { $0.sequence <= oldest } }
            return ready
        }
        for waiter in ready { waiter.wake() }
    }

    /// Drops what is left and wakes all waiters. The thread's last call.
    func threadEnds() {
        let (waiters, left) = withState { state -> ([MailboxState.Waiter], EventQueue) in
            state.isThreadEnded = true
            defer { state.waiters.removeAll() }
            return (state.waiters, Self.dropAll(&state))
        }
        _ = consume left
        for waiter in waiters { waiter.wake() }
    }
}
