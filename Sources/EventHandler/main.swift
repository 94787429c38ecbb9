import CLibrary
import DemoServer
import EventReceiver
import TrackerCore

TerminationSignal.prepare()

var options = CommandLineOptions(
    program: "EventHandler",
    summary: """
        Takes events as the RigidAnalytics backend does, checks them, and prints each as one line of JSON.

        Open its address in a browser to watch events as they come. GET /PROJECT_ID/events?limit=&since= gives them
        as JSON: the last 100, or as many as limit says; with since, the first after that time, in nanoseconds.
        """,
    options: [
        .init("host", value: "H", "The address to listen on (127.0.0.1: for this machine alone)."),
        .init("port", value: "N", "The port to listen on (8001); 0: a free one."),
        .init("quiet", "Do not print events."),
        .init("allow-host", value: "NAME", "Also answer to this name, as through a tunnel; several with commas."),
        .init("store", value: "FILE", "Keep events in this file, one per line, and show them again after a restart."),
        .init("no-store", "Keep no events in a file; without --store they are in one among the temporary files."),
        .init("force", "Let a store shrink to --keep, or take over one of release 1.0."),
        .init("keep", value: "N", "How many events to keep, in memory and in the file (10000)."),
        .init("project-token", value: "T", "Answer events with another token with 401."),
        .init("page", value: "DIR", "Serve the page's files from this folder, for work on the page."),
        .init("no-batch", "Take one event per request alone, as the first backends do."),
        .init("delay-ms", value: "N", "Wait this long before each answer."),
        .init("fail-rate", value: "P", "Answer this share of events with 503 (0 to 1)."),
        .init("status", value: "N", "Answer every event with this status."),
        .init("retry-after", value: "S", "Ask for this many seconds of patience with each failing answer."),
    ])

func fail(_ message: String, status: Int32) -> Never {
    StandardError.write(message)
    exit(status)
}

do {
    try options.parse(Array(CommandLine.arguments.dropFirst()))
    if options.has("help") {
        print(options.helpText, terminator: "")
        exit(0)
    }
    if options.has("version") {
        print("EventHandler \(TrackerVersion.current)")
        exit(0)
    }
    var behaviour = ReceiverOptions()
    behaviour.delayMilliseconds = try options.integer("delay-ms", in: 0...600_000) ?? 0
    behaviour.failRate = try options.number("fail-rate", in: 0...1) ?? 0
    behaviour.status = try options.integer("status", in: 200...599)
    behaviour.retryAfter = try options.integer("retry-after", in: 0...86_400)
    behaviour.takesBatches = !options.has("no-batch")
    let host = options.text("host") ?? "127.0.0.1"
    let port = try options.integer("port", in: 0...65_535) ?? 8001
    let isQuiet = options.has("quiet")
    behaviour.projectToken = options.text("project-token")
    behaviour.keep = try options.integer("keep", in: 1...1_000_000) ?? behaviour.keep
    if behaviour.projectToken?.isEmpty == true { throw options.error("needs a token after --project-token") }
    if options.text("store")?.isEmpty == true { throw options.error("needs a file after --store") }
    if options.has("store"), options.has("no-store") { throw options.error("takes --store or --no-store, not both") }
    behaviour.allowedHosts = (options.text("allow-host") ?? "").split(separator: ",").map(String.init)
    behaviour.pageFolder = options.text("page")
    let log = LineOutput(descriptor: 2, capacity: 1 << 20)
    let output = LineOutput(descriptor: 1) { skipped in
        log.write("EventHandler did not print \(skipped) events: what reads standard output is too slow".utf8)
    }
    var store: EventStore?
    if let path = options.text("store") {
        do {
            store = try EventStore.open(path: path, keep: behaviour.keep, isForced: options.has("force"))
        } catch {
            fail("EventHandler \(error)", status: ExitStatus.inputOutput)
        }
    } else if !options.has("no-store"), port != 0 {
        do {
            store = try TemporaryStore.open(program: "EventHandler", port: UInt16(port), keep: behaviour.keep)
        } catch {
            StandardError.write("EventHandler \(error); they are in memory alone")
        }
    }
    let unreadable = store?.unreadable ?? 0
    let path = store?.path ?? ""
    if unreadable > 0 { StandardError.write("EventHandler left out \(unreadable) lines of \(path) that are no events") }
    let receiver = EventReceiver(options: behaviour, store: store, output: isQuiet ? nil : output, log: log)
    do {
        let bound = try receiver.start(host: host, port: UInt16(port))
        try output.start()
        try log.start()
        StandardError.write(
            "EventHandler listens on http://\(host.contains(":") ? "[\(host)]" : host):\(bound)/ - open it to watch events"
        )
        if !path.isEmpty { StandardError.write("Events are kept in \(path)") }
        if !EventReceiver.isLoopback(host) {
            StandardError.write("Whoever can reach \(host) can read the events: there is no login")
        }
    } catch {
        fail(
            "EventHandler can't listen on \(host):\(port): \(error); try another --port or --host",
            status: ExitStatus.inputOutput)
    }
    TerminationSignal.wait()
    receiver.stop()
    StandardError.write(receiver.statistics.json)
} catch {
    fail("\(error)", status: ExitStatus.usage)
}
