import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

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
    /// A FastCGI server on descriptor 0, which the web server or a process manager opened.
    case inherited
    /// A FastCGI server on a socket of its own.
    case fastCGI(Endpoint)
}

/// Why an app could not run.
public enum CGIRunError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Started neither by a web server nor with a place to listen on.
    case noRequest
    /// A place to listen on that cannot be read.
    case invalidEndpoint(String)
    /// The system refused something.
    case system(String)

    /// A sentence that says what to do.
    public var description: String {
        switch self {
        case .noRequest:
            "this is a CGI and FastCGI program: start it from a web server, or pass \"--fastcgi unix:/path/to/socket\" "
                + "or \"--fastcgi host:port\" for a FastCGI server of its own"
        case .invalidEndpoint(let text):
            "\"\(text)\" is no place to listen on: use unix:/path/to/socket or host:port, such as 127.0.0.1:9000"
        case .system(let text): "the server cannot start: \(text)"
        }
    }
}

extension CGIRunMode.Endpoint {
    /// Reads `unix:/path`, `host:port` or `[::1]:port`.
    public init(parsing text: String) throws(CGIRunError) {
        if text.hasPrefix("unix:"), text.utf8.count > 5 {
            self = .unix(String(text.dropFirst(5)))
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .invalidEndpoint(text)
        }
        let host = text[..<colon]
        guard !host.contains("/"), !host.contains(":") || (host.hasPrefix("[") && host.hasSuffix("]")) else {
            throw .invalidEndpoint(text)
        }
        self = .tcp(String(host), port)
    }
}

extension CGIApp {
    /// Runs the app the way it was started: as a FastCGI server if descriptor 0 is a listening socket, else as a CGI
    /// program if the environment describes a request, else as a FastCGI server of its own if the program's arguments
    /// have `--fastcgi unix:/path` or `--fastcgi host:port`.
    ///
    /// Under CGI the arguments do not count: a visitor can choose them, with a query that has no `=` (RFC 3875
    /// section 4.4).
    ///
    /// Returns when all is done: under CGI after the one request, under FastCGI after SIGTERM or SIGINT, when the
    /// requests in work are finished and the shutdown hooks have run. A program that ends then exits with 0.
    public func run() throws(CGIRunError) {
        StandardDescriptors.reopenClosed()
        if StandardDescriptors.isListening(0) {
            try run(.inherited)
        } else if getenv("GATEWAY_INTERFACE") != nil || getenv("REQUEST_METHOD") != nil {
            try run(.cgi)
        } else {
            try run(.fastCGI(Self.endpoint(in: CommandLine.arguments)))
        }
    }

    /// What follows `--fastcgi` or `--fastcgi=` in a program's arguments.
    static func endpoint(in arguments: [String]) throws(CGIRunError) -> CGIRunMode.Endpoint {
        for (position, argument) in arguments.enumerated() {
            if argument.hasPrefix("--fastcgi=") { return try .init(parsing: String(argument.dropFirst(10))) }
            guard argument == "--fastcgi" else { continue }
            return try .init(parsing: position + 1 < arguments.count ? arguments[position + 1] : "")
        }
        throw .noRequest
    }

    /// Runs the app in a given way; see `run()`.
    public func run(_ mode: CGIRunMode) throws(CGIRunError) {
        StandardDescriptors.reopenClosed()
        runMode = mode
        do {
            switch mode {
            case .cgi: CGIRuntime.run(self)
            case .inherited:
                guard StandardDescriptors.isListening(0) else {
                    throw SystemError(call: "descriptor 0 is no listening socket", code: ENOTSOCK)
                }
                try FastCGIRuntime.run(self, .inherited())
            case .fastCGI(.unix(let path)): try FastCGIRuntime.run(self, .unix(path: path))
            case .fastCGI(.tcp(let host, let port)): try FastCGIRuntime.run(self, .tcp(host: host, port: port))
            }
        } catch {
            throw .system("\(error)")
        }
    }
}
