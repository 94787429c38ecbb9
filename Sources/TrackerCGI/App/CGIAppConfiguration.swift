import DemoServer

/// Settings of an app and of its runtimes. Set them before `run()`.
public struct CGIAppConfiguration: Sendable {
    /// Whether 500 pages show the error. Also tells extensions that this is a development machine.
    public var isDebug = false
    /// The longest body that a route collects by default, in bytes. Longer ones get a 413.
    public var maximumBodyBytes = 16 << 20
    /// The path prefix of the app, for example "/app"; "/" is the root. If nil, `CGI_MOUNT_PATH` in the environment
    /// decides, else `SCRIPT_NAME` and `PATH_INFO`.
    public var mountPath: String?
    /// What the option `--version` prints.
    public var version: String?
    /// Settings of the FastCGI runtime.
    public var fastCGI = FastCGI()
    /// Settings of extensions, by type. An extension adds a property that reads and writes here.
    public var storage = CGIStorage()
    /// Receives this library's log lines; the default writes them to standard error.
    public var log: @Sendable (String) -> Void = { StandardError.write($0) }

    /// Creates the default settings.
    public init() {}

    /// Settings of the FastCGI runtime. A limit that is reached is always answered or logged. Time limits above one day
    /// count as one day.
    public struct FastCGI: Sendable {
        /// The most threads that run synchronous handlers, 1...1024. Few run while handlers are quick; more start when
        /// all are blocked.
        public var maximumThreads = 256
        /// The most requests that wait for one of these threads when all are blocked; further ones get a 503.
        public var maximumWaitingRequests = 256
        /// The most connections at a time, bounded by the limit on open files; further ones wait in the listen backlog.
        /// Idle connections make room, and so do those whose request is still arriving.
        public var maximumConnections = 1024
        /// The most requests at a time, over all connections; further ones get a 503.
        public var maximumRequests = 1024
        /// The largest size of one request's variables together, in bytes; more gets a 431.
        public var maximumParameterBytes = 256 << 10
        /// Time limit from the first byte of a request to the last of its variables.
        public var headerTimeout: Duration = .seconds(30)
        /// Memory for the variables and collected bodies of all requests together, in bytes; beyond it requests get a
        /// 503.
        public var maximumTotalBodyBytes = 256 << 20
        /// Time limit for each 16 KiB of a body, or for the rest of it.
        public var bodyTimeout: Duration = .seconds(60)
        /// Time limit for a web server to take each 16 KiB of a response, or the rest of it.
        public var sendTimeout: Duration = .seconds(60)
        /// How long a connection stays open between requests. One that has sent no request yet gets `headerTimeout`.
        public var idleTimeout: Duration = .seconds(300)
        /// Stops the process, as on SIGTERM, after this many requests; 0: never. For process managers that restart it.
        public var maximumRequestsPerProcess = 0
        /// Stops the process, as on SIGTERM, when it uses more than this much memory, in bytes; 0: never.
        public var maximumResidentBytes = 0
        /// How long a shutdown waits for requests in progress.
        public var shutdownTimeout: Duration = .seconds(5)

        /// Creates the default settings.
        public init() {}
    }
}

/// How an app is run: as CGI, FastCGI or HTTP.
public enum CGIRunMode: Sendable, Equatable {
    /// Where a FastCGI server listens.
    public enum Endpoint: Sendable, Equatable {
        /// A Unix socket (mode 0660).
        case unix(String)
        /// A TCP host and port; IPv6 addresses may be in brackets. Port 0 lets the system choose, and the log says
        /// which.
        case tcp(String, UInt16)
    }

    /// One request, described by the environment (RFC 3875).
    case cgi
    /// A FastCGI server on the sockets that the web server or a process manager opened: descriptor 0 and `LISTEN_FDS`.
    case inherited
    /// A FastCGI server on its own socket.
    case fastCGI(Endpoint)
    /// An HTTP server for development.
    ///
    /// - `port`: 0 lets the system choose; nil is 8081, or a free port if that one is taken.
    /// - Important: Do not expose it to the open network.
    case http(host: String, port: UInt16?)
}
