import DemoServer
import EventReceiver
import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

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
        .init("store", value: "FILE", "Keep events in this file, one per line, and show them again after a restart."),
        .init("keep", value: "N", "How many events to keep, in memory and in the file (10000)."),
        .init("project-token", value: "T", "Answer events with another token with 401."),
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
    let file: EventFile?
    do {
        file = try options.text("store").map { path throws(EventFile.Failure) in
            try EventFile(path: path, keep: behaviour.keep)
        }
    } catch {
        fail("EventHandler \(error)", status: ExitStatus.inputOutput)
    }
    if let file, file.unreadable > 0 {
        StandardError.write("EventHandler left out \(file.unreadable) lines of \(file.path) that are no events")
    }
    let receiver = EventReceiver(options: behaviour, file: file) { event in
        if !isQuiet { FileOutput.write(event + [UInt8(ascii: "\n")], to: 1) }
    }
    do {
        let bound = try receiver.start(host: host, port: UInt16(port))
        StandardError.write(
            "EventHandler listens on http://\(host.contains(":") ? "[\(host)]" : host):\(bound)/ - open it to watch events"
        )
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
