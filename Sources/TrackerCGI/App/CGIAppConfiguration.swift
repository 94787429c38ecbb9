import DemoServer

/// Settings of an app and of its runtimes. Set them before `run()`.
public struct CGIAppConfiguration: Sendable {
    /// Shows what went wrong in the page of a 500, and tells extensions that this is a developer's machine.
    public var isDebug = false
    /// The longest body that a route collects unless it says otherwise, in bytes. Longer ones are answered with 413.
    public var maximumBodyBytes = 16 << 20
    /// The prefix under which the app lives, for example "/app"; nil lets `CGI_MOUNT_PATH` of the environment decide, or
    /// `SCRIPT_NAME` and `PATH_INFO`. "/" is the root.
    public var mountPath: String?
    /// What the program's option `--version` shows.
    public var version: String?
    /// Settings of the FastCGI runtime.
    public var fastCGI = FastCGI()
    /// Settings of extensions, by type. Extensions add a property of their own that reads and writes here.
    public var storage = CGIStorage()
    /// Takes the lines that this library logs; the default writes them to standard error.
    public var log: @Sendable (String) -> Void = { StandardError.write($0) }

    /// The defaults.
    public init() {}

    /// Settings of the FastCGI runtime. Every limit that is reached is answered or logged, never silent.
    public struct FastCGI: Sendable {
        /// Threads that run synchronous handlers, 1...1024. There are few as long as handlers are quick; further ones
        /// start where all are stuck.
        public var maximumThreads = 256
        /// Requests that wait for one of these threads, where all are blocked; further ones are answered with 503.
        public var maximumWaitingRequests = 256
        /// Connections at a time, at most as many as the process may have open files; further ones wait in the listening
        /// socket's queue. Idle ones make room, and those whose request trickles in.
        public var maximumConnections = 1024
        /// Requests at a time, over all connections; further ones are answered with 503.
        public var maximumRequests = 1024
        /// All variables of one request together, in bytes; more is answered with 431.
        public var maximumParameterBytes = 256 << 10
        /// From the first byte of a request to the last of its variables.
        public var headerTimeout: Duration = .seconds(30)
        /// What arrives of a body that is waited for, in bytes for all requests together; more is answered with 503.
        public var maximumTotalBodyBytes = 256 << 20
        /// How long 16 KiB of a body may take, or the rest of it.
        public var bodyTimeout: Duration = .seconds(60)
        /// How long a web server may take for 16 KiB of a response, or the rest of it.
        public var sendTimeout: Duration = .seconds(60)
        /// How long a connection is kept on which no request comes. A new one gets `headerTimeout`.
        public var idleTimeout: Duration = .seconds(300)
        /// The process ends, as on SIGTERM, after so many requests; 0: never. For hosts that start another one.
        public var maximumRequestsPerProcess = 0
        /// The process ends, as on SIGTERM, once it takes so much memory, in bytes; 0: never.
        public var maximumResidentBytes = 0
        /// How long a stop waits for requests in work.
        public var shutdownTimeout: Duration = .seconds(5)

        /// The defaults.
        public init() {}
    }
}

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
