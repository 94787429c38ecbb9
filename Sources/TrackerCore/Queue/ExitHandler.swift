import CLibrary

/// Makes a best effort to shut trackers down at exit, for processes that `exit` or return from `main` without doing so.
enum ExitHandler {
    private struct State {
        var mailboxes: [ObjectIdentifier: (mailbox: Mailbox, grace: UInt64)] = [:]
        /// The process that registered: a forked child inherits the list, but none of the threads.
        var process: Int32 = 0
    }

    private static let state = ThreadLock(State(), survivesFork: true)
    private static let patience: UInt64 = 1_000_000_000

    /// - Parameter grace: how long the mailbox's thread may take to end after the deadline.
    static func add(_ mailbox: Mailbox, grace: Duration) {
        let before = state.withLock { state -> State in
            let before = state
            if state.process != getpid() { state.mailboxes = [:] }
            state.process = getpid()
            state.mailboxes[ObjectIdentifier(mailbox)] = (mailbox, grace.nanoseconds)
            return before
        }
        if before.process == 0 { atexit { ExitHandler.arrive() } }
    }

    static func remove(_ mailbox: Mailbox) {
        // The removed mailbox is released outside the lock.
        _ = state.withLock { $0.mailboxes.removeValue(forKey: ObjectIdentifier(mailbox)) }
    }

    /// Gives all trackers together one second to deliver, spool or count their events.
    private static func arrive() {
        let mailboxes = state.withLock { state in
            state.process == getpid() ? state.mailboxes.values.map(\.mailbox) : []
        }
        guard !mailboxes.isEmpty else { return }
        let deadline = SystemClock.monotonicNanoseconds() &+ patience
        let forgotten = mailboxes.filter { !$0.isClosed }
        for mailbox in mailboxes { _ = mailbox.close(stopAt: deadline) }
        // Wait for the threads to end, not only for their events: what they use is about to be torn down.
        while let grace = state.withLock({ $0.mailboxes.values.map(\.grace).max() }),
            SystemClock.monotonicNanoseconds() < deadline + grace
        {
            usleep(500)
        }
        for mailbox in mailboxes { mailbox.abandon(isLast: true) }
        for mailbox in forgotten {
            let lost = mailbox.statistics.dropped[.shutdown] ?? 0
            guard lost > 0 else { continue }
            TrackerLog.standardError(
                TrackerLogRecord(
                    level: .warning, topic: "shutdown",
                    message: "the process exited without shutting down its tracker: \(lost) events are lost; "
                        + "call tracker.shutdown()"))
        }
    }
}
