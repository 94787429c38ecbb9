import CLibrary

/// Makes a best effort to shut trackers down at exit, for processes that `exit` or return from `main` without doing so.
enum ExitHandler {
    private struct Entry {
        let mailbox: Mailbox
        let grace: UInt64
        let log: TrackerLog
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        /// The process that registered: a forked child inherits the list, but none of the threads.
        var process: Int32 = 0
    }

    private static let state = ThreadLock(State(), survivesFork: true)
    private static let patience: UInt64 = 1_000_000_000

    /// - Parameter grace: how long the mailbox's thread may take to end after the deadline.
    static func add(_ mailbox: Mailbox, grace: Duration, log: TrackerLog) {
        let before = state.withLock { state -> State in
            let before = state
            if state.process != getpid() { state.entries = [:] }
            state.process = getpid()
            state.entries[ObjectIdentifier(mailbox)] = Entry(mailbox: mailbox, grace: grace.nanoseconds, log: log)
            return before
        }
        if before.process == 0 { atexit { ExitHandler.arrive() } }
    }

    static func remove(_ mailbox: Mailbox) {
        // The removed mailbox is released outside the lock.
        _ = state.withLock { $0.entries.removeValue(forKey: ObjectIdentifier(mailbox)) }
    }

    /// Gives all trackers together one second to deliver, spool or count their events.
    private static func arrive() {
        let entries = state.withLock { state in
            state.process == getpid() ? Array(state.entries.values) : []
        }
        guard !entries.isEmpty else { return }
        let deadline = SystemClock.monotonicNanoseconds() &+ patience
        let forgotten = entries.filter { !$0.mailbox.isClosed }
        for entry in entries { _ = entry.mailbox.close(stopAt: deadline) }
        // Wait for the threads to end, not only for their events: what they use is about to be torn down.
        while let grace = state.withLock({ $0.entries.values.map(\.grace).max() }),
            SystemClock.monotonicNanoseconds() < deadline + grace
        {
            usleep(500)
        }
        for entry in entries { entry.mailbox.abandon(isLast: true) }
        for entry in forgotten {
            let lost = entry.mailbox.statistics.dropped[.shutdown] ?? 0
            guard lost > 0 else { continue }
            entry.log.writeAtExit(
                TrackerLogRecord(
                    level: .warning, topic: "shutdown",
                    message: "the process exited without shutting down its tracker: \(lost) events are lost; "
                        + "call tracker.shutdown()"))
        }
    }
}
