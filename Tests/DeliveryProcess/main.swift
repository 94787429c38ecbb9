// A process with a tracker, configured by RA_... variables, that does what its standard input says:
//
//     capture N     captures N events; their paths are /PREFIX/0, /PREFIX/1 and so on, PREFIX being the first argument
//     flush S       flushes for at most S seconds, and prints the result
//     shutdown      shuts the tracker down, and prints the result
//     stats         prints the statistics
//     exit          ends by exit(0), whatever the tracker has left
//
// Prints one line for each command once it is done. Ends with its input, by returning from main.

import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
}

func show(_ result: FlushResult) {
    say(
        "delivered \(result.delivered) spooled \(result.spooled) dropped \(result.dropped) pending \(result.pending)")
}

let prefix = CommandLine.arguments.dropFirst().first ?? "event"
do {
    let tracker = Tracker(configuration: try .fromEnvironment())
    var number = 0
    while let line = readLine() {
        let words = line.split(separator: " ")
        let value = words.last.flatMap { Int($0) } ?? 0
        switch words.first {
        case "capture":
            for _ in 0..<value {
                tracker.begin(
                    RequestSnapshot(
                        method: "GET", target: "/\(prefix)/\(number)", host: "example.com",
                        headers: RequestHeaders([("Host", "example.com"), ("User-Agent", "delivery-process")]))
                )?.finish(status: 200, viewName: "event")
                number += 1
            }
            say("captured \(number)")
        case "flush": show(tracker.flush(timeout: .seconds(value)))
        case "shutdown": show(tracker.shutdown())
        case "stats": say("\(tracker.statistics)")
        case "exit": exit(0)
        default: say("unknown command \(line)")
        }
    }
} catch {
    say("\(error)")
    exit(78)
}
