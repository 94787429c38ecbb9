import CLibrary
import TrackerCore

/// Waits for SIGINT and SIGTERM.
package enum TerminationSignal {
    /// Blocks both signals for the calling thread and the threads it starts, and ignores SIGPIPE. Call it first in a
    /// program.
    ///
    /// Also reopens closed standard descriptors: otherwise a store opened later could become standard output.
    package static func prepare() {
        StandardDescriptors.reopenClosed()
        var signals = Self.signals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for one of the signals. A second one ends the process at once, with the exit status that shells report for
    /// it.
    ///
    /// - Returns: the signal's number.
    @discardableResult
    package static func wait() -> Int32 {
        let first = next()
        try? DetachedThread.start(name: "signals") { _exit(128 + next()) }
        return first
    }

    private static func next() -> Int32 {
        var signals = Self.signals
        var received: Int32 = 0
        while sigwait(&signals, &received) != 0 {}
        return received
    }

    private static var signals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        return signals
    }
}

/// Exit statuses from sysexits.h.
package enum ExitStatus {
    /// Wrong arguments.
    package static let usage: Int32 = 64
    /// An input can't be read.
    package static let noInput: Int32 = 66
    /// A system call failed, such as binding an address.
    package static let inputOutput: Int32 = 74
    /// A setting is missing or wrong.
    package static let configuration: Int32 = 78
}
