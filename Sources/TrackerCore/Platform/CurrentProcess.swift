import CLibrary
import CPlatform

/// File descriptors 0, 1 and 2.
package enum StandardDescriptors {
    /// Opens /dev/null on those that are closed. Otherwise the next socket would get such a number, and anything
    /// printed to standard output would end up in a client's response.
    package static func reopenClosed() {
        for number: Int32 in 0...2 where fcntl(number, F_GETFD) < 0 && errno == EBADF {
            // open takes the lowest free number, which is this one.
            let opened = open("/dev/null", O_RDWR)
            if opened >= 0, opened != number { _ = close(opened) }
        }
    }

    /// Redirects all three to /dev/null: the web server sees them closed, and their numbers stay in use.
    package static func detach() { silence(0, 1, 2) }

    /// Redirects descriptors to /dev/null.
    package static func silence(_ numbers: Int32...) {
        let null = open("/dev/null", O_RDWR)
        guard null >= 0 else { return }
        for number in numbers { _ = dup2(null, number) }
        if null > 2 { _ = close(null) }
    }

    /// Takes the listening sockets that a process manager passed to this process (sd_listen_fds(3)).
    ///
    /// A second call returns none: the variables are unset, so that no child process mistakes the sockets for its own.
    package static func passedSockets() -> [Int32] {
        let process = getenv("LISTEN_PID").flatMap { Int32(String(cString: $0)) }
        let count = getenv("LISTEN_FDS").flatMap { Int32(String(cString: $0)) } ?? 0
        guard process == getpid(), count > 0, count <= 64 else { return [] }
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
        return (3..<(3 + count)).filter { isListening($0) }
    }

    /// Whether sockets were passed, without taking them.
    package static var hasPassedSockets: Bool {
        let process = getenv("LISTEN_PID").flatMap { Int32(String(cString: $0)) }
        return process == getpid() && isListening(3)
    }

    /// Whether the descriptor is a listening socket.
    package static func isListening(_ number: Int32) -> Bool {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0
    }
}

/// The environment of this process.
package enum ProcessEnvironment {
    /// Returns the variables whose names begin with `prefix` and whose values are not empty.
    package static func variables(prefix: String) -> [String: String] {
        var variables: [String: String] = [:]
        var variable = environ
        while let entry = variable.pointee {
            let text = String(cString: entry)
            if text.hasPrefix(prefix), let equals = text.firstIndex(of: "=") {
                let value = String(text[text.index(after: equals)...])
                if !value.isEmpty { variables[String(text[..<equals])] = value }
            }
            variable += 1
        }
        return variables
    }
}

/// A forked child that finishes work in the background.
package enum DetachedProcess {
    /// The process in which the call returned.
    package enum Side {
        case parent
        case child
        /// The fork failed or is not supported; the caller does the work itself.
        case impossible
    }

    /// Forks. The child has its own session, only the calling thread, and no descriptor above 2 except `descriptor`.
    ///
    /// - Important: The child must end with ``end()``.
    /// - Parameters:
    ///   - descriptor: the one that stays open in the child.
    ///   - lifetime: SIGALRM ends the child after this time and up to a second more, whatever it is doing; at most a
    ///     day.
    package static func fork(keeping descriptor: Int32? = nil, lifetime: Duration) -> Side {
        let seconds = lifetime.nanoseconds / 1_000_000_000 + 1
        return switch cplatform_fork_detached(descriptor ?? -1, UInt32(min(seconds, 86_400))) {
        case 0: .child
        case -1: .impossible
        default: .parent
        }
    }

    /// Ends the child without running the app's exit handlers.
    package static func end() -> Never { _exit(0) }
}
