import CLibrary
import CPlatform

/// A copy of this process that finishes a piece of work nobody waits for.
package enum DetachedProcess {
    /// What became of the call, seen from the process that it returns in.
    package enum Side {
        case parent
        case child
        /// No copy could be made; the caller does the work itself.
        case impossible
    }

    /// Goes on as two processes. The child has a session of its own, no descriptor above 2 but one, and the calling
    /// thread alone; it must end with ``end()``.
    ///
    /// - Parameters:
    ///   - descriptor: one that the child keeps.
    ///   - lifetime: when the system ends the child, by SIGALRM, whatever it is doing; rounded up to a second.
    package static func fork(keeping descriptor: Int32? = nil, lifetime: Duration) -> Side {
        let seconds = lifetime.nanoseconds / 1_000_000_000 + 1
        return switch cplatform_fork_detached(descriptor ?? -1, UInt32(min(seconds, 86_400))) {
        case 0: .child
        case -1: .impossible
        default: .parent
        }
    }

    /// Ends the child without running what the app has registered for its own end.
    package static func end() -> Never { _exit(0) }
}
