import CPlatform

/// What the mailbox keeps under its lock.
struct MailboxState {
    var queue = EventQueue()
    var ledger = Ledger()
    var finished = FinishedTickets()
    /// How many events ever left the queue; the queue's first event has this number.
    var dequeued: UInt64 = 0
    var isThreadStarted = false
    var isThreadEnded = false
    /// The thread does nothing any more but bring what is left to disk.
    var isSpooling = false
    var isAsleep = false
    /// Rests without being woken by each event, but by a queue that fills.
    var isResting = false
    var isRung = false
    var isClosed = false
    var stopAt: UInt64?
    var patience: Mailbox.Patience?
    var flushes = 0
    var waiters: [Waiter] = []
    var nextWaiter: UInt64 = 0
    /// Tells the child of a fork from the process that made the state.
    var forks = cplatform_count_forks()
    /// What the parent had when it forked. It stays as it is: to let go of it would run the app's code.
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
        isResting = false
    }

    /// Somebody who waits for events to be settled.
    struct Waiter {
        let identifier: UInt64
        /// Settled once the oldest open event is this one or younger.
        let sequence: UInt64
        let wake: @Sendable () -> Void
    }

    private final class Inherited {
        let state: MailboxState
        init(_ state: MailboxState) { self.state = state }
    }
}

extension Mailbox {
    /// How long a backend that takes nothing is waited for, in monotonic nanoseconds.
    struct Patience {
        var since: UInt64
        var length: UInt64
    }

    /// What the delivery thread has to know before each turn.
    struct Orders {
        var isClosed = false
        /// Monotonic nanoseconds.
        var stopAt: UInt64?
        var patience: Patience?
        /// Grows with each flush: what waits only out of politeness should be tried now.
        var flushes = 0
        /// Whether somebody waits for events to be settled.
        var isAwaited = false
        /// How many events the full queue has refused so far.
        var refusals = 0
        /// Whether so much is in memory that a part of it should go to disk, if there is a place for it.
        var isFilling = false
        /// Events in memory that the delivery thread has not taken.
        var waiting = 0
        /// All events in memory.
        var open = 0
    }
}

/// Which measurements have ended, so that each counts once.
///
/// Tickets are numbers in the order in which measurements began. A ticket is remembered until as many others as there
/// are places have ended; the second end of one measurement comes long before that.
struct FinishedTickets {
    private static let places = 4_096
    private var tickets: [UInt64] = []

    /// - Returns: false if the ticket is known. 0 is no ticket.
    mutating func insert(_ ticket: UInt64) -> Bool {
        guard ticket != 0 else { return true }
        if tickets.isEmpty { tickets = [UInt64](repeating: 0, count: Self.places) }
        let place = Int(truncatingIfNeeded: ticket) & (Self.places - 1)
        guard tickets[place] != ticket else { return false }
        tickets[place] = ticket
        return true
    }
}
