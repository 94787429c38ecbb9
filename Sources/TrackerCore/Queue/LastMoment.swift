import CLibrary

/// A best effort for processes that end by `exit` or by returning from `main` without a shutdown of their tracker.
enum LastMoment {
    private struct State {
        var mailboxes: [ObjectIdentifier: Mailbox] = [:]
        /// Who registered: a child that was forked has the list, but none of the threads.
        var process: Int32 = 0
    }

    private static let state = ThreadLock(State(), survivesFork: true)
    private static let patience: UInt64 = 1_000_000_000

    static func add(_ mailbox: Mailbox) {
        let before = state.withLock { state -> State in
            let before = state
            if state.process != getpid() { state.mailboxes = [:] }
            state.process = getpid()
            state.mailboxes[ObjectIdentifier(mailbox)] = mailbox
            return before
        }
        if before.process == 0 { atexit { LastMoment.arrive() } }
    }

    static func remove(_ mailbox: Mailbox) {
        // What is removed ends after the lock is free.
        _ = state.withLock { $0.mailboxes.removeValue(forKey: ObjectIdentifier(mailbox)) }
    }

    /// Gives all trackers together a second to deliver, spool or count what they have.
    private static func arrive() {
        let mailboxes = state.withLock { state in
            state.process == getpid() ? Array(state.mailboxes.values) : []
        }
        let deadline = SystemClock.monotonicNanoseconds() &+ patience
        let forgotten = mailboxes.filter { !$0.isClosed }
        for mailbox in mailboxes { _ = mailbox.close(stopAt: deadline) }
        // Until the threads are gone, and not only their events: what they use is about to be taken down.
        while state.withLock({ !$0.mailboxes.isEmpty }), SystemClock.monotonicNanoseconds() < deadline + 50_000_000 {
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
