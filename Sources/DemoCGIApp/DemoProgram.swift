import DemoServer
import EventReceiver
import TrackerCGI
import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The demo from its arguments to its exit status.
enum DemoProgram {
    static func run(_ arguments: [String]) -> Int32 {
        do {
            // Under CGI the arguments come from the visitor, as a query without "=" (RFC 3875 section 4.4).
            if isCGI || (arguments.isEmpty && isListening) { return try serveWebServer() }
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
            let settings = try EnvironmentFile.settings(path: options.text("env-file"))
            if options.has("describe") {
                print(try CollectionDescription.text(settings), terminator: "")
                return 0
            }
            if let place = options.text("fastcgi") { return try serveFastCGI(place, settings, options) }
            if isListening { return try serveWebServer(settings) }
            return try serveHTTP(settings, options)
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
        var listens: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(0, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens != 0
    }

    /// The app with the tracker installed, if there are settings for it.
    private static func makeApp(
        _ settings: [String: String], livePage: String? = nil
    ) throws -> (CGIApp, CGITracker?) {
        let app = CGIApp()
        DemoSite.addRoutes(to: app, livePage: livePage)
        guard settings["RA_PROJECT_ID"] != nil || settings["RA_PROJECT_TOKEN"] != nil else { return (app, nil) }
        app.config.rigidAnalytics = try .from(environment: settings)
        return (app, try CGITracker(app: app))
    }

    private static func serveWebServer(_ settings: [String: String]? = nil) throws -> Int32 {
        let (app, _) = try makeApp(try settings ?? EnvironmentFile.settings(path: nil))
        try app.run()
        return 0
    }

    private static func serveFastCGI(
        _ place: String, _ settings: [String: String], _ options: CommandLineOptions
    ) throws -> Int32 {
        let endpoint = try CGIRunMode.Endpoint(parsing: place)
        let (embedded, receiver) = try settingsWithReceiver(settings, options)
        let (app, tracker) = try makeApp(embedded, livePage: receiver.map { "http://127.0.0.1:\($0.port)/" })
        try app.run(.fastCGI(endpoint))
        receiver?.stop()
        if let tracker = tracker?.tracker { StandardError.write("tracker: \(tracker.statistics)") }
        return 0
    }

    private static func serveHTTP(_ settings: [String: String], _ options: CommandLineOptions) throws -> Int32 {
        TerminationSignal.prepare()
        let host = options.text("host") ?? "127.0.0.1"
        let port = UInt16(try options.integer("port", in: 0...65_535) ?? 8081)
        let (embedded, receiver) = try settingsWithReceiver(settings, options, isPortFree: port == 0)
        let (app, tracker) = try makeApp(embedded, livePage: receiver.map { "http://127.0.0.1:\($0.port)/" })
        let front = HTTPFront(app: app)
        let server = HTTPServer(configuration: .init(host: host, port: port)) { await front.answer($0) }
        do {
            let bound = try server.start()
            let shown = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
            StandardError.write("Open http://\(shown):\(bound)/ and watch the events; Ctrl-C ends it.")
        } catch {
            StandardError.write("DemoCGIApp can't listen on \(host):\(port): \(error); try another --port or --host")
            return ExitStatus.inputOutput
        }
        TerminationSignal.wait()
        server.stop(grace: .seconds(5))
        tracker?.tracker?.shutdown()
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
        guard !(try TrackerConfiguration.from(environment: settings).isDisabled) else { return (settings, nil) }
        let livePort = try options.integer("live-port", in: 0...65_535).map { UInt16($0) }
        let receiver = try EmbeddedReceiver.start(
            program: "DemoCGIApp", port: livePort ?? (isPortFree ? 0 : nil), isStored: !options.has("no-store"))
        settings["RA_BACKEND_ENDPOINT"] = "http://127.0.0.1:\(receiver.port)"
        return (settings, receiver)
    }
}
