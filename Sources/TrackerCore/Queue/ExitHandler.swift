import CLibrary

/// A best effort for processes that end by `exit` or by returning from `main` without a shutdown of their tracker.
enum ExitHandler {
    private struct State {
        var mailboxes: [ObjectIdentifier: (mailbox: Mailbox, grace: UInt64)] = [:]
        /// Who registered: a child that was forked has the list, but none of the threads.
        var process: Int32 = 0
    }

    private static let state = ThreadLock(State(), survivesFork: true)
    private static let patience: UInt64 = 1_000_000_000

    /// - Parameter grace: how much longer its thread may take to end than to deliver.
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
        // What is removed ends after the lock is free.
        _ = state.withLock { $0.mailboxes.removeValue(forKey: ObjectIdentifier(mailbox)) }
    }

    /// Gives all trackers together a second to deliver, spool or count what they have.
    private static func arrive() {
        let mailboxes = state.withLock { state in
            state.process == getpid() ? state.mailboxes.values.map(\.mailbox) : []
        }
        let deadline = SystemClock.monotonicNanoseconds() &+ patience
        let forgotten = mailboxes.filter { !$0.isClosed }
        for mailbox in mailboxes { _ = mailbox.close(stopAt: deadline) }
        // Until the threads are gone, and not only their events: what they use is about to be taken down.
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
                    message: "the process ended without a shutdown of its tracker: \(lost) events are lost; "
                        + "call tracker.shutdown()"))
        }
    }
}
