import Dispatch

/// What requests and the delivery thread share: the bounded queue, the counters and the thread's bell.
///
/// All numbers change under one lock, so that they add up at every moment. The lock is held for a few instructions and
/// never across I/O or callbacks.
final class DeliveryPipeline: Sendable {
    /// Somebody who waits for everything captured so far to be settled.
    struct Waiter {
        let identifier: UInt64
        /// Settled once the oldest open event is this one or younger.
        let sequence: UInt64
        let wake: @Sendable () -> Void
    }

    /// What the delivery thread has to know before each step.
    struct Orders {
        var isClosed: Bool
        var stopAt: UInt64?
        /// Grows with each flush: what waits only out of politeness should be tried now.
        var hurries: Int
        /// Whether somebody waits for events to be settled.
        var isAwaited: Bool
        /// How many events the full queue has refused so far.
        var refusals: Int
    }

    /// What ends the delivery thread's sleep before its time. A flush and a shutdown always do.
    enum Alarm {
        /// Each event.
        case event
        /// A queue that fills, so that requests are spared the system call.
        case fullness
        case nothingElse
    }

    private let state = ThreadLock(PipelineState())
    private let bell = DispatchSemaphore(value: 0)
    /// Which requests become events; nil: all.
    let selection: Selection?
    /// Whom to believe about how a client came; nil: nobody.
    let forwardedOrigin: ForwardedOrigin?
    private let capacity: Int
    private let maximumBytes: Int
    /// Starts the delivery thread; set once, before the first event.
    private let startThread: @Sendable (DeliveryPipeline) -> Bool

    init(
        capacity: Int, maximumBytes: Int, selection: Selection? = nil, forwardedOrigin: ForwardedOrigin? = nil,
        startThread: @escaping @Sendable (DeliveryPipeline) -> Bool
    ) {
        self.selection = selection
        self.forwardedOrigin = forwardedOrigin
        self.capacity = capacity
        self.maximumBytes = maximumBytes
        self.startThread = startThread
    }

    // MARK: The request's side

    /// Takes an event, or counts why not. Never waits.
    func capture(_ request: consuming TrackedRequest) {
        let bytes = request.approximateBytes
        let (mustRing, mustStart) = state.withLock(moving: request) { state, request -> (Bool, Bool) in
            state.captured += 1
            if state.isClosed {
                state.drop(.shutdown)
                return (false, false)
            }
            guard state.open < capacity, state.openBytes + bytes <= maximumBytes
            else {
                state.drop(.queueFull)
                return (false, false)
            }
            state.queue.append(request)
            state.openBytes += bytes
            let mustRing = state.isAsleep || state.isResting && isFilling(state)
            if mustRing {
                state.isAsleep = false
                state.isResting = false
            }
            let mustStart = !state.isThreadStarted
            state.isThreadStarted = true
            return (mustRing, mustStart)
        }
        if mustRing { bell.signal() }
        if mustStart, !startThread(self) { state.withLock { $0.isThreadStarted = false } }
    }

    /// Whether the queue is so full that a part of it should go to disk, if there is a place for it.
    private func isFilling(_ state: borrowing PipelineState) -> Bool {
        state.open >= capacity - capacity / 4
            || state.openBytes >= maximumBytes - maximumBytes / 4
    }

    // MARK: Anybody's side

    var statistics: TrackerStatistics {
        state.withLock { $0.statistics }
    }

    /// Asks for everything captured so far.
    ///
    /// - Parameter awaitsEnd: wait for the thread's end, after it was told to stop.
    /// - Returns: a number for ``cancelWait(_:)``; nil if nothing is open, and `wake` is not called.
    func notifyWhenSettled(awaitsEnd: Bool = false, _ wake: @escaping @Sendable () -> Void) -> UInt64? {
        let identifier = state.withLock { state -> UInt64? in
            guard state.open > 0, !state.isThreadEnded else { return nil }
            state.hurries += 1
            state.isAsleep = false
            state.nextWaiter += 1
            state.waiters.append(
                Waiter(
                    identifier: state.nextWaiter,
                    sequence: awaitsEnd ? .max : state.dequeued + UInt64(state.waiting), wake: wake))
            return state.nextWaiter
        }
        if identifier != nil { bell.signal() }
        return identifier
    }

    func cancelWait(_ identifier: UInt64) {
        state.withLock { state in state.waiters.removeAll { $0.identifier == identifier } }
    }

    /// Lets no more events in; the thread goes on until all is settled or the time has come.
    ///
    /// - Returns: whether a thread is still at work.
    func close(stopAt: UInt64) -> Bool {
        let isRunning = state.withLock { state -> Bool in
            state.isClosed = true
            state.hurries += 1
            state.isAsleep = false
            state.stopAt = min(state.stopAt ?? stopAt, stopAt)
            return state.isThreadStarted && !state.isThreadEnded
        }
        bell.signal()
        return isRunning
    }

    /// Settles what is still open, for a shutdown whose time is over while the thread is stuck.
    ///
    /// - Parameter isLast: also while the thread writes to disk, because the process ends.
    func abandon(isLast: Bool = false) {
        state.withLock { state in
            state.isClosed = true
            guard isLast || !state.isSpooling else { return }
            state.settleAll(as: .shutdown)
            state.isThreadEnded = true
        }
    }

    // MARK: The delivery thread's side

    func orders() -> Orders {
        state.withLock {
            Orders(
                isClosed: $0.isClosed, stopAt: $0.stopAt, hurries: $0.hurries, isAwaited: !$0.waiters.isEmpty,
                refusals: $0.dropped[DropReason.queueFull.index])
        }
    }

    private var hasWaiters: Bool { state.withLock { !$0.waiters.isEmpty } }

    var isFilling: Bool { state.withLock { isFilling($0) } }

    /// How many events wait that are not encoded.
    var notEncoded: Int { state.withLock { $0.waiting } }

    /// - Parameter count: of the events that were taken, how many have not been sent yet.
    func setAhead(_ count: Int) { state.withLock { $0.ahead = min(count, $0.outstanding) } }

    /// How many events wait, encoded ones included, and since when the oldest of the queue does (wall clock).
    func waiting() -> (count: Int, oldest: Int64?) {
        state.withLock { ($0.waiting + $0.ahead, $0.queue.oldest) }
    }

    /// Takes up to `maximum` of the oldest events off the queue, one chunk at most.
    ///
    /// - Parameter backlog: the delivery thread's; its next events are those that were taken.
    /// - Returns: the number of the first, and how many.
    func take(_ maximum: Int, into backlog: inout EventBacklog) -> (first: UInt64, count: Int) {
        state.withLock { state in
            if backlog.isEmpty { state.held = backlog.refill(from: &state.queue) }
            let first = state.dequeued
            // Nothing is held any more if all was settled meanwhile, by a shutdown whose time was over.
            let count = min(maximum, state.held)
            state.held -= count
            state.dequeued += UInt64(count)
            state.outstanding += count
            return (first, count)
        }
    }

    /// Sleeps until `deadline`, or without an end until something happens.
    ///
    /// - Parameters:
    ///   - deadline: monotonic nanoseconds; nil: until something happens.
    func sleep(until deadline: UInt64?, or alarm: Alarm) {
        let mayRest = state.withLock { state -> Bool in
            switch alarm {
            case .event:
                guard state.waiting == 0, !state.isClosed else { return false }
                state.isAsleep = true
            case .fullness: state.isResting = true
            case .nothingElse: break
            }
            return true
        }
        guard mayRest else { return }
        if let deadline {
            let now = SystemClock.monotonicNanoseconds()
            if deadline > now {
                _ = bell.wait(timeout: .now() + .nanoseconds(Int(clamping: deadline - now)))
            }
        } else {
            bell.wait()
        }
        state.withLock {
            $0.isAsleep = false
            $0.isResting = false
        }
    }

    func beginsSpooling() { state.withLock { $0.isSpooling = true } }

    func settleDelivered(_ count: Int, bytes: Int) {
        state.withLock { state in
            guard state.outstanding >= count else { return }
            state.delivered += count
            state.outstanding -= count
            state.openBytes -= bytes
        }
    }

    func settleDropped(_ reason: DropReason, _ count: Int, bytes: Int) {
        state.withLock { state in
            guard state.outstanding >= count else { return }
            state.drop(reason, count)
            state.outstanding -= count
            state.openBytes -= bytes
        }
    }

    /// Events went from memory to disk.
    func settleSpooled(_ count: Int, bytes: Int) {
        state.withLock { state in
            guard state.outstanding >= count else { return }
            state.spooled += count
            state.outstanding -= count
            state.openBytes -= bytes
        }
    }

    /// Events from the disk were delivered: `own` ones, and others that another process or an earlier run had left.
    func settleFromSpool(own: Int, others: Int) {
        state.withLock { state in
            let own = min(own, state.spooled)
            state.spooled -= own
            state.delivered += own
            state.deliveredForOthers += others
        }
    }

    /// Own events on disk are lost after all.
    func dropFromSpool(_ reason: DropReason, own: Int) {
        state.withLock { state in
            let own = min(own, state.spooled)
            state.spooled -= own
            state.drop(reason, own)
        }
    }

    func countIgnored() { state.withLock { $0.ignored += 1 } }
    func countSampledOut() { state.withLock { $0.sampledOut += 1 } }
    func countSlowHook() { state.withLock { $0.slowHooks += 1 } }

    func countRetried(_ count: Int) {
        state.withLock { $0.retried += count }
    }

    /// Wakes those whose events are all settled.
    ///
    /// - Parameter oldestOutstanding: the number of the oldest event that was taken and is not settled; asked only if
    ///   somebody waits.
    func notifyWaiters(oldestOutstanding: () -> UInt64?) {
        guard hasWaiters else { return }
        let oldestOutstanding = oldestOutstanding()
        let ready = state.withLock { state -> [Waiter] in
            let oldest = oldestOutstanding ?? state.dequeued
            let ready = state.waiters.filter { $0.sequence <= oldest }
            if !ready.isEmpty { state.waiters.removeAll { $0.sequence <= oldest } }
            return ready
        }
        for waiter in ready { waiter.wake() }
    }

    /// The thread's last act: counts what is left, and wakes everybody.
    func threadEnds() {
        let waiters = state.withLock { state -> [Waiter] in
            state.isThreadEnded = true
            state.settleAll(as: .shutdown)
            defer { state.waiters.removeAll() }
            return state.waiters
        }
        for waiter in waiters { waiter.wake() }
    }
}
