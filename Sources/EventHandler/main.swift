import CLibrary
import DemoServer
import EventReceiver
import TrackerCore

TerminationSignal.prepare()

var options = CommandLineOptions(
    program: "EventHandler",
    summary: """
        Accepts events as the RigidAnalytics backend does, validates them, and prints each as one line of JSON.

        Open its address in a browser to watch events as they arrive. GET /PROJECT_ID/events?limit=&since= returns them
        as JSON: the last 100, or as many as limit says; with since, the first after that time, in nanoseconds.
        """,
    options: [
        .init("host", value: "H", "The address to listen on (127.0.0.1: this machine only)."),
        .init("port", value: "N", "The port to listen on (8001); 0 picks a free one."),
        .init("quiet", "Do not print events."),
        .init("allow-host", value: "NAME", "Also accept these comma-separated host names, for example a tunnel's."),
        .init("store", value: "FILE", "Keep events in this file, one per line, and show them again after a restart."),
        .init("no-store", "Keep events in memory only; the default without --store is a temporary file."),
        .init("force", "Let --keep delete stored events, and add the header line to a store that lacks it."),
        .init("keep", value: "N", "How many events to keep, in memory and in the file (10000)."),
        .init("project-token", value: "T", "Answer events that have another token with 401."),
        .init("page", value: "DIR", "Serve the page's files from this folder, for developing the page."),
        .init("no-batch", "Accept only one event per request, as the first backends do."),
        .init("delay-ms", value: "N", "Wait this long before each answer."),
        .init("fail-rate", value: "P", "Answer this share of POST requests with 503 (0 to 1)."),
        .init("status", value: "N", "Answer every POST request with this status."),
        .init("retry-after", value: "S", "Send Retry-After with this many seconds in each failing answer."),
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
    var behavior = ReceiverOptions()
    behavior.delayMilliseconds = try options.integer("delay-ms", in: 0...600_000) ?? 0
    behavior.failRate = try options.number("fail-rate", in: 0...1) ?? 0
    behavior.status = try options.integer("status", in: 200...599)
    behavior.retryAfter = try options.integer("retry-after", in: 0...86_400)
    behavior.takesBatches = !options.has("no-batch")
    let host = options.text("host") ?? "127.0.0.1"
    let port = try options.integer("port", in: 0...65_535) ?? 8001
    let isQuiet = options.has("quiet")
    behavior.projectToken = options.text("project-token")
    behavior.keep = try options.integer("keep", in: 1...1_000_000) ?? behavior.keep
    if behavior.projectToken?.isEmpty == true { throw options.error("needs a token after --project-token") }
    if options.text("store")?.isEmpty == true { throw options.error("needs a file after --store") }
    if options.has("store"), options.has("no-store") { throw options.error("takes --store or --no-store, not both") }
    behavior.allowedHosts = (options.text("allow-host") ?? "").split(separator: ",").map(String.init)
    behavior.pageFolder = options.text("page")
    let log = LineOutput(descriptor: 2, capacity: 1 << 20)
    let output = LineOutput(descriptor: 1) { skipped in
        log.write("EventHandler did not print \(skipped) events: the reader of standard output is too slow".utf8)
    }
    var store: EventStore?
    if let path = options.text("store") {
        do {
            store = try EventStore.open(path: path, keep: behavior.keep, isForced: options.has("force"))
        } catch {
            fail("EventHandler \(error)", status: ExitStatus.inputOutput)
        }
    } else if !options.has("no-store"), port != 0 {
        do {
            store = try TemporaryStore.open(program: "EventHandler", port: UInt16(port), keep: behavior.keep)
        } catch {
            StandardError.write("EventHandler \(error); they are kept in memory only")
        }
    }
    let unreadable = store?.unreadable ?? 0
    let path = store?.path ?? ""
    if unreadable > 0 { StandardError.write("EventHandler skipped \(unreadable) lines of \(path) that are not events") }
    let receiver = EventReceiver(options: behavior, store: store, output: isQuiet ? nil : output, log: log)
    do {
        let bound = try receiver.start(host: host, port: UInt16(port))
        try output.start()
        try log.start()
        StandardError.write(
            "EventHandler listens on http://\(HostAndPort.bracketed(host)):\(bound)/ - open it to watch events"
        )
        if !path.isEmpty { StandardError.write("Events are kept in \(path)") }
        if !EventReceiver.isLoopback(host) {
            StandardError.write("Anyone who can reach \(host) can read the events: there is no login")
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
