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
    summary: "Takes events as the RigidAnalytics backend does, checks them, and prints each as one line of JSON.",
    options: [
        .init("host", value: "H", "The address to listen on (127.0.0.1)."),
        .init("port", value: "N", "The port to listen on (8001); 0: a free one."),
        .init("quiet", "Do not print events."),
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
    let receiver = EventReceiver(options: behaviour) { event in
        if !isQuiet { FileOutput.write(event + [UInt8(ascii: "\n")], to: 1) }
    }
    do {
        let bound = try receiver.start(host: host, port: UInt16(port))
        StandardError.write("EventHandler listens on http://\(host.contains(":") ? "[\(host)]" : host):\(bound)/")
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
