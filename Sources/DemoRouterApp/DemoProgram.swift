import DemoServer
import EventReceiver
import TrackerCore
import TrackerRouterAdapter

/// The demo from its arguments to its exit status.
enum DemoProgram {
    private static let variables = ["RA_PROJECT_ID", "RA_PROJECT_TOKEN", "RA_BACKEND_ENDPOINT"]

    static func run(_ arguments: [String]) -> Int32 {
        var options = CommandLineOptions(
            program: "DemoRouterApp",
            summary: """
                A small site on a closure-based router, with every request tracked.

                Without RA_PROJECT_ID and RA_PROJECT_TOKEN it starts an event handler of its own and prints each event.
                """,
            options: [
                .init("host", value: "H", "The address to listen on (127.0.0.1)."),
                .init("port", value: "N", "The port to listen on (8080); 0: a free one."),
                .init("live-port", value: "N", "The port of the live page (8001, or the next that is free; 0: any)."),
                .init("no-store", "Keep no events in a file among the temporary ones."),
                .init("env-file", value: "F", "A file of RA_... settings, one NAME=value per line."),
                .init("describe", "Print what the tracker would collect under the settings, and end."),
            ])
        do {
            try options.parse(arguments)
            if options.has("help") {
                print(options.helpText, terminator: "")
                return 0
            }
            if options.has("version") {
                print("DemoRouterApp \(TrackerVersion.current)")
                return 0
            }
            if options.has("describe") {
                print(
                    try CollectionDescription.text(EnvironmentFile.settings(path: options.text("env-file"))),
                    terminator: "")
                return 0
            }
            return try serve(options)
        } catch let error as EnvironmentFile.Failure {
            StandardError.write("\(error)")
            return ExitStatus.noInput
        } catch let error as ConfigurationError {
            StandardError.write("\(error)")
            return ExitStatus.configuration
        } catch let error as SystemError {
            StandardError.write("\(error)")
            return ExitStatus.inputOutput
        } catch {
            StandardError.write("\(error)")
            return ExitStatus.usage
        }
    }

    private static func serve(_ options: CommandLineOptions) throws -> Int32 {
        let host = options.text("host") ?? "127.0.0.1"
        let port = UInt16(try options.integer("port", in: 0...65_535) ?? 8080)
        let settings = try EnvironmentFile.settings(path: options.text("env-file"))
        let (configuration, receiver) = try configure(settings, options, isPortFree: port == 0)
        let tracker = try Tracker(configuration: configuration)

        let router = Router()
        router.use(Analytics.middleware(tracker).middleware)
        DemoSite.addRoutes(to: router, livePage: receiver.map { "http://127.0.0.1:\($0.port)/" })
        let server = HTTPServer(configuration: .init(host: host, port: port)) { await router.handle($0) }
        do {
            let bound = try server.start()
            let shown = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
            StandardError.write("Open http://\(shown):\(bound)/ and watch the events; Ctrl-C ends it.")
        } catch {
            StandardError.write("DemoRouterApp can't listen on \(host):\(port): \(error); try another --port or --host")
            return ExitStatus.inputOutput
        }

        TerminationSignal.wait()
        server.stop(grace: .seconds(5))
        let result = tracker.shutdown()
        receiver?.stop()
        StandardError.write("tracker: \(tracker.statistics)")
        if result.dropped > 0 { StandardError.write("tracker: \(result.dropped) events could not be delivered") }
        return 0
    }

    /// The settings' own tracker, or one that sends to an event handler within this process.
    private static func configure(
        _ settings: [String: String], _ options: CommandLineOptions, isPortFree: Bool
    ) throws -> (TrackerConfiguration, EmbeddedReceiver?) {
        guard variables.allSatisfy({ settings[$0] == nil }) else {
            let configuration = try TrackerConfiguration(environment: settings)
            StandardError.write("Analytics: \(configuration)")
            return (configuration, nil)
        }
        var settings = settings
        settings["RA_PROJECT_ID"] = "demo"
        settings["RA_PROJECT_TOKEN"] = "demo-token"
        let isDisabled = try TrackerConfiguration(environment: settings).isDisabled
        guard !isDisabled else { return (.disabled, nil) }
        let livePort = try options.integer("live-port", in: 0...65_535).map { UInt16($0) }
        let receiver = try EmbeddedReceiver.start(
            program: "DemoRouterApp", port: livePort ?? (isPortFree ? 0 : nil), isStored: !options.has("no-store"))
        settings["RA_BACKEND_ENDPOINT"] = "http://127.0.0.1:\(receiver.port)"
        return (try TrackerConfiguration(environment: settings), receiver)
    }
}
