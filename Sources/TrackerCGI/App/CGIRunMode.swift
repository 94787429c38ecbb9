/// How an app is reached.
public enum CGIRunMode: Sendable, Equatable {
    /// Where a FastCGI server listens.
    public enum Endpoint: Sendable, Equatable {
        /// A unix socket (mode 0660).
        case unix(String)
        /// A TCP port; IPv6 addresses may be in brackets. Port 0 lets the system choose, and the log says which.
        case tcp(String, UInt16)
    }

    /// One request, described by the environment (RFC 3875).
    case cgi
    /// A FastCGI server on descriptor 0, or on the sockets of `LISTEN_FDS`, which the web server or a process manager
    /// opened.
    case inherited
    /// A FastCGI server on a socket of its own.
    case fastCGI(Endpoint)
    /// An HTTP server for trying the app out; not for the open network.
    ///
    /// - `port`: 0 lets the system choose; nil is 8081, or a free port if that one is taken.
    case http(host: String, port: UInt16?)
}
