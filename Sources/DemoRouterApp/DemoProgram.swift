import DemoServer
import EventReceiver
import TrackerCore
import TrackerRouterAdapter

/// Runs the demo, from its arguments to its exit status.
enum DemoProgram {
    private static let startUp = DemoStartUp(program: "DemoRouterApp")

    static func run(_ arguments: [String]) -> Int32 {
        startUp.run(
            arguments,
            summary: """
                A small site on a closure-based router, with every request tracked.

                Without RA_PROJECT_ID and RA_PROJECT_TOKEN, it starts its own event handler and prints each event.
                """,
            options: [
                .init("host", value: "H", "The address to listen on (127.0.0.1)."),
                .init("port", value: "N", "The port to listen on (8080); 0 picks a free one."),
            ], serve: serve)
    }

    private static func serve(_ options: CommandLineOptions, _ settings: [String: String]) throws -> Int32 {
        let host = options.text("host") ?? "127.0.0.1"
        let port = UInt16(try options.integer("port", in: 0...65_535) ?? 8080)
        let (settings, receiver) = try startUp.settingsWithReceiver(settings, options, usesAnyPort: port == 0)
        let configuration = try TrackerConfiguration(environment: settings)
        if receiver == nil { StandardError.write("Analytics: \(configuration)") }
        let tracker = try Tracker(configuration: configuration)

        let router = Router()
        router.use(Analytics.middleware(tracker).middleware)
        DemoSite.addRoutes(to: router, livePage: receiver.map { "http://127.0.0.1:\($0.port)/" })
        let server = HTTPServer(configuration: .init(host: host, port: port)) { await router.handle($0) }
        do {
            let bound = try server.start()
            let shown = HostAndPort.bracketed(host)
            StandardError.write("Open http://\(shown):\(bound)/ and watch the events; Ctrl-C stops it.")
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
}
