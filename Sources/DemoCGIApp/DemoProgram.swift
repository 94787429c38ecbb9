import CLibrary
import DemoServer
import EventReceiver
import TrackerCGI
import TrackerCore

/// Runs the demo, from its arguments to its exit status.
enum DemoProgram {
    private static let startUp = DemoStartUp(program: "DemoCGIApp")

    static func run(_ arguments: [String]) -> Int32 {
        // Under CGI the arguments come from the client, as a query without "=" (RFC 3875, section 4.4).
        if isCGI { return serveCGI() }
        return startUp.run(
            arguments,
            summary: """
                The demo site as a CGI and FastCGI program, with every request tracked.

                Started by a web server, it detects CGI or FastCGI. Started by hand, it serves HTTP, and without
                RA_PROJECT_ID and RA_PROJECT_TOKEN it also starts its own event handler and prints each event.
                """,
            options: [
                .init("host", value: "H", "The address to listen on for HTTP (127.0.0.1)."),
                .init("port", value: "N", "The port to listen on for HTTP (8081); 0 picks a free one."),
                .init("fastcgi", value: "WHERE", "Listen for FastCGI on unix:/path or host:port instead."),
                .init("mount", value: "PATH", "The path under which the web server mounts the site."),
                .init("max-requests", value: "N", "FastCGI: exit after N requests."),
                .init("max-memory", value: "MB", "FastCGI: exit once the process uses more than this many megabytes."),
                .init("check", "Check settings, backend and spool, print a report, and exit with 0 or 78."),
                .init("no-tracker", "Serve the site without the tracker, for comparisons."),
            ],
            settings: { isListening ? [:] : try EnvironmentFile.settings(path: $0.text("env-file")) },
            serve: { options, settings in
                do {
                    return try serve(mode(options), settings, options)
                } catch let error as CGIRunError {
                    return report(error)
                }
            })
    }

    private static func mode(_ options: CommandLineOptions) throws -> CGIRunMode {
        if isListening { return .inherited }
        if let place = options.text("fastcgi") { return .fastCGI(try .init(parsing: place)) }
        let port = UInt16(try options.integer("port", in: 0...65_535) ?? 8081)
        return .http(host: options.text("host") ?? "127.0.0.1", port: port)
    }

    private static func serveCGI() -> Int32 {
        let settings = Result { try serverSettings() }
        // A site without any settings would fill the web server's log, a line for each request.
        let isConfigured = (try? settings.get()).map { $0.keys.contains { $0.hasPrefix("RA_PROJECT_") } } ?? true
        do throws(CGIRunError) {
            try makeApp(settings.get, isTracked: isConfigured).0.run(.cgi)
            return 0
        } catch {
            return report(error)
        }
    }

    private static func report(_ error: CGIRunError) -> Int32 {
        StandardError.write("DemoCGIApp: \(error)")
        return error.exitStatus
    }

    private static var isCGI: Bool { getenv("GATEWAY_INTERFACE") != nil || getenv("REQUEST_METHOD") != nil }

    /// Whether a web server or a process manager has passed a FastCGI socket.
    private static var isListening: Bool {
        StandardDescriptors.isListening(0) || StandardDescriptors.hasPassedSockets
    }

    /// Creates the app, with the tracker if its settings are usable. Misconfigured analytics, or a file that can't be
    /// read, must not take the site down.
    private static func makeApp(
        _ settings: () throws -> [String: String], livePage: String? = nil, isTracked: Bool = true
    ) -> (CGIApp, CGITracker?) {
        let app = CGIApp()
        app.config.version = TrackerVersion.current
        DemoSite.addRoutes(to: app, livePage: livePage)
        guard isTracked else { return (app, nil) }
        do {
            app.config.rigidAnalytics = try TrackerConfiguration(environment: settings())
            return (app, CGITracker(app: app))
        } catch {
            StandardError.write("tracker: no analytics: \(error)")
            app.onCheck("settings") { .failed("\(error)") }
            return (app, nil)
        }
    }

    /// Returns the settings under a web server.
    private static func serverSettings() throws -> [String: String] { try EnvironmentFile.settings(path: nil) }

    private static func serve(
        _ mode: CGIRunMode, _ settings: [String: String], _ options: CommandLineOptions
    ) throws -> Int32 {
        let isByHand = mode != .inherited && !options.has("check")
        let usesAnyPort = if case .http(_, 0) = mode { true } else { false }
        let (settings, receiver): ([String: String], EmbeddedReceiver?) =
            if !isByHand {
                (settings, nil)
            } else if options.has("no-tracker") {
                ([:], nil)
            } else {
                try startUp.settingsWithReceiver(settings, options, usesAnyPort: usesAnyPort)
            }
        let (app, tracker) = makeApp(
            mode == .inherited ? serverSettings : { settings },
            livePage: receiver.map { "http://127.0.0.1:\($0.port)/" }, isTracked: !options.has("no-tracker"))
        app.config.mountPath = options.text("mount")
        app.config.fastCGI.maximumRequestsPerProcess = try options.integer("max-requests", in: 1...1_000_000_000) ?? 0
        app.config.fastCGI.maximumResidentBytes = (try options.integer("max-memory", in: 1...1_000_000) ?? 0) << 20
        if options.has("check") {
            let (report, hasPassed) = app.runChecks()
            FileOutput.write(Array(report.utf8), to: 1)
            return hasPassed ? 0 : ExitStatus.configuration
        }
        try app.run(mode)
        receiver?.stop()
        if let tracker = tracker?.tracker { StandardError.write("tracker: \(tracker.statistics)") }
        return 0
    }
}
