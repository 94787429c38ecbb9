import TrackerCore

/// The command line of a program made with `CGIApp`.
struct CGICommandLine: Equatable {
    /// What is wrong with the arguments, in one sentence.
    struct UsageError: Error, Equatable, CustomStringConvertible {
        var description: String
    }

    enum Command: Equatable {
        case run, help, version, check
    }

    var task = Command.run
    /// Where to listen for FastCGI.
    var fastCGI: String?
    /// Where to listen for HTTP.
    var http: String?
    var mountPath: String?
    var maximumRequests: Int?
    var maximumMegabytes: Int?

    static let help = """
        A web program. Started by a web server or a process manager, it detects CGI or FastCGI; started by hand, it
        serves HTTP on this machine only, for development.

          --fastcgi WHERE     listen for FastCGI on unix:/path/to/socket or host:port
          --http HOST:PORT    listen for HTTP there (127.0.0.1:8081, or a free port if that one is taken)
          --mount PATH        the path under which the web server mounts the program, if the server does not send it;
                              also CGI_MOUNT_PATH
          --max-requests N    exit after N requests, for a process manager that starts another process
          --max-memory MB     exit once the process uses more than this many megabytes
          --check             check settings, backend and spool, print a report, and exit with 0 or 78
          --version           show the version and exit
          --help              show this text and exit

        """

    /// - Parameter arguments: without the program's name.
    init(_ arguments: some Sequence<String>) throws(UsageError) {
        var rest = ArraySlice(Array(arguments))
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            var value: String {
                get throws(UsageError) {
                    guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                        throw UsageError(description: "\(parts[0]) needs a value")
                    }
                    return value
                }
            }
            switch parts.first ?? "" {
            case "--help", "-h": task = .help
            case "--version": task = .version
            case "--check": task = .check
            case "--fastcgi": fastCGI = try value
            case "--http": http = try value
            case "--mount": mountPath = try value
            case "--max-requests": maximumRequests = try Self.number(parts[0], value)
            case "--max-memory": maximumMegabytes = try Self.number(parts[0], value)
            default: throw UsageError(description: "unexpected argument \"\(argument)\"")
            }
        }
    }

    private static func number(_ name: String, _ text: String) throws(UsageError) -> Int {
        guard let number = Int(text), number > 0, number <= 1 << 30 else {
            throw UsageError(description: "\(name) needs a whole number above 0, not \"\(text)\"")
        }
        return number
    }

    /// Applies the options to the app's configuration.
    func apply(to app: CGIApp) {
        if let mountPath { app.config.mountPath = mountPath }
        if let maximumRequests { app.config.fastCGI.maximumRequestsPerProcess = maximumRequests }
        if let maximumMegabytes { app.config.fastCGI.maximumResidentBytes = maximumMegabytes << 20 }
    }
}
