import CLibrary
import DemoServer
import EventReceiver
import TrackerCGI
import TrackerCore

/// The demo from its arguments to its exit status.
enum DemoProgram {
    static func run(_ arguments: [String]) -> Int32 {
        do {
            // Under CGI the arguments come from the visitor, as a query without "=" (RFC 3875 section 4.4).
            if isCGI { return try serveCGI() }
            var options = CommandLineOptions(
                program: "DemoCGIApp",
                summary: """
                    The demo site as a CGI and FastCGI program, with every request tracked.

                    Started by a web server it speaks CGI or FastCGI, whichever it finds. Started by hand it listens for HTTP,
                    and without RA_PROJECT_ID and RA_PROJECT_TOKEN starts an event handler of its own and prints each event.
                    """,
                options: [
                    .init("host", value: "H", "The address to listen on for HTTP (127.0.0.1)."),
                    .init("port", value: "N", "The port to listen on for HTTP (8081); 0: a free one."),
                    .init("fastcgi", value: "WHERE", "Listen for FastCGI at unix:/path or host:port instead."),
                    .init(
                        "live-port", value: "N", "The port of the live page (8001, or the next that is free; 0: any)."),
                    .init("no-store", "Keep no events in a file among the temporary ones."),
                    .init("mount", value: "PATH", "The path below which the web server mounts the site."),
                    .init("max-requests", value: "N", "FastCGI: end after N requests."),
                    .init("max-memory", value: "MB", "FastCGI: end once the process takes so many megabytes."),
                    .init("check", "Look at settings, backend and spool, report, and end with 0 or 78."),
                    .init("env-file", value: "F", "A file of RA_... settings, one NAME=value per line."),
                    .init("describe", "Print what the tracker would collect under the settings, and end."),
                    .init("no-tracker", "Serve the site without the tracker, for comparisons."),
                ])
            try options.parse(arguments)
            if options.has("help") {
                print(options.helpText, terminator: "")
                return 0
            }
            if options.has("version") {
                print("DemoCGIApp \(TrackerVersion.current)")
                return 0
            }
            let settings =
                isListening ? serverSettings() : try EnvironmentFile.settings(path: options.text("env-file"))
            if options.has("describe") {
                print(try CollectionDescription.text(settings), terminator: "")
                return 0
            }
            if isListening { return try serve(.inherited, settings, options) }
            if let place = options.text("fastcgi") {
                return try serve(.fastCGI(.init(parsing: place)), settings, options)
            }
            let port = UInt16(try options.integer("port", in: 0...65_535) ?? 8081)
            return try serve(.http(host: options.text("host") ?? "127.0.0.1", port: port), settings, options)
        } catch let error as CGIRunError {
            StandardError.write("DemoCGIApp: \(error)")
            return ExitStatus.inputOutput
        } catch let error as EnvironmentFile.Failure {
            StandardError.write("\(error)")
            return ExitStatus.noInput
        } catch let error as ConfigurationError {
            StandardError.write("\(error)")
            return ExitStatus.configuration
        } catch {
            StandardError.write("\(error)")
            return ExitStatus.usage
        }
    }

    private static var isCGI: Bool { getenv("GATEWAY_INTERFACE") != nil || getenv("REQUEST_METHOD") != nil }

    /// Whether a web server or a process manager has opened a socket for FastCGI.
    private static var isListening: Bool {
        StandardDescriptors.isListening(0) || StandardDescriptors.hasPassedSockets
    }

    /// The app with the tracker installed, if there are settings for it. A site does not go down because analytics are
    /// misconfigured.
    private static func makeApp(
        _ settings: [String: String], livePage: String? = nil
    ) -> (CGIApp, CGITracker?) {
        let app = CGIApp()
        app.config.version = TrackerVersion.current
        DemoSite.addRoutes(to: app, livePage: livePage)
        guard settings["RA_PROJECT_ID"] != nil || settings["RA_PROJECT_TOKEN"] != nil else { return (app, nil) }
        do {
            app.config.rigidAnalytics = try TrackerConfiguration(environment: settings)
            return (app, CGITracker(app: app))
        } catch {
            StandardError.write("tracker: no analytics: \(error)")
            app.onCheck("settings") { .failed("\(error)") }
            return (app, nil)
        }
    }

    /// The settings of a program that a web server started, for which there are no visitors to be turned away.
    private static func serverSettings() -> [String: String] {
        do {
            return try EnvironmentFile.settings(path: nil)
        } catch {
            StandardError.write("tracker: no analytics: \(error)")
            return [:]
        }
    }

    private static func serveCGI() throws -> Int32 {
        try makeApp(serverSettings()).0.run(.cgi)
        return 0
    }

    private static func serve(
        _ mode: CGIRunMode, _ settings: [String: String], _ options: CommandLineOptions
    ) throws -> Int32 {
        let isByHand = mode != .inherited && !options.has("check")
        let isPortFree = if case .http(_, 0) = mode { true } else { false }
        let (settings, receiver) =
            isByHand ? try settingsWithReceiver(settings, options, isPortFree: isPortFree) : (settings, nil)
        let (app, tracker) = makeApp(settings, livePage: receiver.map { "http://127.0.0.1:\($0.port)/" })
        app.config.mountPath = options.text("mount")
        app.config.fastCGI.maximumRequestsPerProcess = try options.integer("max-requests", in: 1...1_000_000_000) ?? 0
        app.config.fastCGI.maximumResidentBytes = (try options.integer("max-memory", in: 1...1_000_000) ?? 0) << 20
        if options.has("check") {
            app.run()
            return 0
        }
        try app.run(mode)
        receiver?.stop()
        if let tracker = tracker?.tracker { StandardError.write("tracker: \(tracker.statistics)") }
        return 0
    }

    /// The given settings, or those of an event handler within this process.
    private static func settingsWithReceiver(
        _ settings: [String: String], _ options: CommandLineOptions, isPortFree: Bool = false
    ) throws -> ([String: String], EmbeddedReceiver?) {
        if options.has("no-tracker") { return ([:], nil) }
        let variables = ["RA_PROJECT_ID", "RA_PROJECT_TOKEN", "RA_BACKEND_ENDPOINT"]
        guard variables.allSatisfy({ settings[$0] == nil }) else { return (settings, nil) }
        var settings = settings
        settings["RA_PROJECT_ID"] = "demo"
        settings["RA_PROJECT_TOKEN"] = "demo-token"
        guard !(try TrackerConfiguration(environment: settings).isDisabled) else { return (settings, nil) }
        let livePort = try options.integer("live-port", in: 0...65_535).map { UInt16($0) }
        let receiver = try EmbeddedReceiver.start(
            program: "DemoCGIApp", port: livePort ?? (isPortFree ? 0 : nil), isStored: !options.has("no-store"))
        settings["RA_BACKEND_ENDPOINT"] = "http://127.0.0.1:\(receiver.port)"
        return (settings, receiver)
    }
}
