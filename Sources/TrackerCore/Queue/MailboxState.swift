import CPlatform

/// The state guarded by the mailbox's lock.
struct MailboxState {
    var queue = EventQueue()
    var ledger = Ledger()
    var finished = FinishedTickets()
    /// The number of events ever taken off the queue, which is also the sequence number of the queue's first event.
    var dequeued: UInt64 = 0
    /// The number of events ever added to the queue.
    var admitted: UInt64 { dequeued &+ UInt64(queue.count) }
    /// The value of `admitted` at the delivery thread's last turn.
    var admittedBefore: UInt64 = 0
    /// Whether the queue was filling up at that turn, and has been since.
    var wasFilling = false
    var isThreadStarted = false
    var isThreadEnded = false
    /// Whether the thread is only writing the remaining events to disk.
    var isSpooling = false
    var isAsleep = false
    /// The number of queued events that wakes the sleeping thread, as does a queue that is filling up; nil: the thread
    /// is awake, or wakes for each event.
    var wakeCount: Int?
    var isRung = false
    var isClosed = false
    var stopAt: UInt64?
    var patience: Mailbox.Patience?
    var flushes = 0
    var waiters: [Waiter] = []
    var nextWaiter: UInt64 = 0
    /// Distinguishes a forked child from the process that created the state.
    var forks = cplatform_count_forks()
    /// The parent's state at the fork. Never released: that would run the app's code.
    private var inherited: Inherited?

    mutating func noticeFork() {
        guard forks != cplatform_count_forks() else { return }
        let before = self
        self = MailboxState()
        inherited = Inherited(before)
    }

    mutating func ring() {
        isRung = true
        isAsleep = false
        wakeCount = nil
    }

    /// A caller waiting for events to be settled.
    struct Waiter {
        let identifier: UInt64
        /// Ready once the oldest unsettled event has this number or a higher one.
        let sequence: UInt64
        let wake: @Sendable () -> Void
    }

    private final class Inherited {
        let state: MailboxState
        init(_ state: MailboxState) { self.state = state }
    }
}

extension Mailbox {
    /// How long to wait for a backend that accepts nothing, in monotonic nanoseconds.
    struct Patience {
        var since: UInt64
        var length: UInt64
    }

    /// The instructions and counts that the delivery thread reads before each turn.
    struct Orders {
        var isClosed = false
        /// Monotonic nanoseconds.
        var stopAt: UInt64?
        var patience: Patience?
        /// Incremented by each flush, which cuts short pauses that the backend did not ask for.
        var flushes = 0
        /// Whether a caller is waiting for events to be settled.
        var isAwaited = false
        /// Events refused so far because the queue was full.
        var refusals = 0
        /// Whether memory is three quarters full, so that some of it should be spooled if there is a spool.
        var isFilling = false
        /// Events in memory that the delivery thread has not taken.
        var waiting = 0
        /// All events in memory.
        var open = 0
    }
}

/// The tickets of finished measurements, so that each counts once.
///
/// Tickets number measurements in the order they began. One is forgotten when another that differs by a multiple of
/// 4,096 finishes; a second end of a measurement comes long before that.
struct FinishedTickets {
    private static let places = 4_096
    private var tickets: [UInt64] = []

    /// - Returns: false if the ticket is known. 0 means no ticket.
    mutating func insert(_ ticket: UInt64) -> Bool {
        guard ticket != 0 else { return true }
        if tickets.isEmpty { tickets = [UInt64](repeating: 0, count: Self.places) }
        let place = Int(truncatingIfNeeded: ticket) & (Self.places - 1)
        guard tickets[place] != ticket else { return false }
        tickets[place] = ticket
        return true
    }
}
