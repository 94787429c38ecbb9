import CLibrary
import DemoServer
import TrackerCore

/// An error that keeps an app from running.
public struct CGIRunError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of errors. Later versions may add others.
    public struct Code: Sendable, Hashable {
        private let number: UInt8

        /// An address to listen on that cannot be parsed.
        public static let invalidEndpoint = Code(number: 0)
        /// The server could not start.
        public static let system = Code(number: 1)
    }

    /// The kind of error.
    public let code: Code
    /// A sentence that says what to do.
    public let description: String
    /// The status for a program that exits because of it (sysexits.h).
    package var exitStatus: Int32 { code == .invalidEndpoint ? ExitStatus.usage : ExitStatus.inputOutput }

    static func invalidEndpoint(_ text: String) -> CGIRunError {
        CGIRunError(
            code: .invalidEndpoint,
            description: "can't listen on \"\(text)\": use unix:/path/to/socket or host:port, such as 127.0.0.1:9000")
    }

    static func system(_ text: String) -> CGIRunError {
        CGIRunError(code: .system, description: "the server cannot start: \(text)")
    }
}

extension CGIRunMode.Endpoint {
    /// Parses `unix:/path`, `host:port` or `[::1]:port`.
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
    /// Sets up an app and runs it: a whole program in one call.
    ///
    ///     CGIApp.main { app in
    ///         app.get("/", name: "home") { _ in CGIResponse(text: "Home page") }
    ///     }
    ///
    /// If `setUp` throws, the program exits with one line on standard error and status 78.
    public static func main(_ setUp: (CGIApp) throws -> Void) {
        let app = CGIApp()
        do {
            try setUp(app)
        } catch {
            fail("\(error)", status: ExitStatus.configuration)
        }
        app.run()
    }

    /// Runs the app the way it was started: as a FastCGI server if descriptor 0 is a listening socket or `LISTEN_FDS`
    /// passes sockets, else as a CGI program if the environment describes a request, else as the program's arguments
    /// say. Without arguments it serves HTTP on this machine, for development; see `--help`.
    ///
    /// Under CGI the arguments are ignored: a visitor can choose them, with a query that has no `=` (RFC 3875, section
    /// 4.4).
    ///
    /// Returns under CGI after the one request, else after a stop signal such as SIGTERM or SIGINT, once the requests
    /// in progress have finished and the shutdown hooks have run.
    ///
    /// - Important: Serving occupies the main thread, so a handler that is isolated to the main actor never runs.
    /// - Important: If the app cannot run, the program exits with one line on standard error and a status from
    ///   sysexits.h.
    public func run() {
        StandardDescriptors.reopenClosed()
        let isInherited = StandardDescriptors.isListening(0) || StandardDescriptors.hasPassedSockets
        do throws(CGIRunError) {
            if !isInherited, getenv("GATEWAY_INTERFACE") != nil || getenv("REQUEST_METHOD") != nil {
                try run(.cgi)
            } else {
                try run(arguments: CommandLine.arguments.dropFirst(), isInherited: isInherited)
            }
        } catch {
            Self.fail("\(error)", status: error.exitStatus)
        }
    }

    private func run(arguments: some Sequence<String>, isInherited: Bool) throws(CGIRunError) {
        let commandLine: CGICommandLine
        do throws(CGICommandLine.UsageError) {
            commandLine = try CGICommandLine(arguments)
        } catch {
            Self.fail("\(error); see --help", status: ExitStatus.usage)
        }
        commandLine.apply(to: self)
        switch commandLine.task {
        case .help: Self.say(CGICommandLine.help)
        case .version:
            Self.say("\(Self.programName) \(config.version ?? "(TrackerCGI \(TrackerVersion.current))")\n")
        case .check:
            let (report, hasPassed) = runChecks()
            Self.say(report.isEmpty ? "ok      there is nothing to check\n" : report)
            if !hasPassed { exit(ExitStatus.configuration) }
        case .run:
            if isInherited {
                try run(.inherited)
            } else if let place = commandLine.fastCGI {
                try run(.fastCGI(.init(parsing: place)))
            } else if let place = commandLine.http {
                guard case .tcp(let host, let port) = try CGIRunMode.Endpoint(parsing: place) else {
                    throw .invalidEndpoint(place)
                }
                try run(.http(host: host, port: port))
            } else {
                try run(.http(host: "127.0.0.1", port: nil))
            }
        }
    }

    private static var programName: String {
        String(CommandLine.arguments.first?.split(separator: "/").last ?? "program")
    }

    /// Writes to standard output, for programs started by hand.
    private static func say(_ text: String) { FileOutput.write(Array(text.utf8), to: 1) }

    private static func fail(_ text: String, status: Int32) -> Never {
        StandardError.write("\(programName): \(text)")
        exit(status)
    }

    /// Runs the app in a given mode, and throws where `run()` exits.
    public func run(_ mode: CGIRunMode) throws(CGIRunError) {
        StandardDescriptors.reopenClosed()
        if config.mountPath == nil, let path = getenv("CGI_MOUNT_PATH"), path.pointee != 0 {
            config.mountPath = String(cString: path)
        }
        runMode = mode
        do {
            switch mode {
            case .cgi: CGIRuntime.run(self)
            case .inherited:
                let listeners = FastCGIListener.inherited()
                guard !listeners.isEmpty else {
                    throw SystemError(call: "descriptor 0 is not a listening socket", code: ENOTSOCK)
                }
                try FastCGIRuntime.run(self) { listeners }
            case .fastCGI(let endpoint):
                try FastCGIRuntime.run(self) { () throws(SystemError) in [try FastCGIListener(endpoint)] }
            case .http(let host, let port): try DevelopmentServer.run(self, host: host, port: port)
            }
        } catch {
            throw .system("\(error)")
        }
    }
}
