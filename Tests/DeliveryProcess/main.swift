// A process with a tracker, configured by RA_... variables, that executes the commands on its standard input:
//
//     capture N     captures N events; their paths are /PREFIX/0, /PREFIX/1 and so on, PREFIX being the first argument
//     pace R S      captures R events a second for S seconds
//     flush S       flushes for at most S seconds, and prints the result
//     shutdown      shuts the tracker down, and prints the result
//     took          prints how many milliseconds the last shutdown took
//     stats         prints the statistics
//     watch         samples the statistics in another thread from now on
//     watched       prints the number of samples, and in how many of them the counts did not add up
//     fork N        a forked child captures N events with paths /PREFIX-child/0 and so on, shuts down, prints the
//                   result and the milliseconds that took, and ends
//     forkexit      a forked child calls exit(0); prints the milliseconds that took
//     exit          calls exit(0), whatever the tracker has pending
//
// Prints one line per command once it is done. Returns from main at the end of its input. RETRY_CAP is the retry
// policy's cap in milliseconds.

import CLibrary
import CSpawn
import Synchronization
import TrackerCore

func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
}

func text(_ result: FlushResult) -> String {
    "delivered \(result.delivered) spooled \(result.spooled) dropped \(result.dropped) pending \(result.pending)"
}

func capture(_ path: String, _ tracker: Tracker) {
    tracker.begin(
        RequestSnapshot(
            method: "GET", target: path, host: "example.com",
            headers: RequestHeaders([("Host", "example.com"), ("User-Agent", "delivery-process")]))
    )?.finish(status: 200, viewName: "event")
}

/// - Returns: the number of captured events.
func pace(_ rate: Int, seconds: Int, from first: Int, _ prefix: String, _ tracker: Tracker) -> Int {
    let start = SystemClock.monotonicNanoseconds()
    for number in 0..<(rate * seconds) {
        let time = start + UInt64(number) * 1_000_000_000 / UInt64(rate)
        while true {
            let now = SystemClock.monotonicNanoseconds()
            if now >= time { break }
            usleep(UInt32(min(1000, (time - now) / 1000 + 1)))
        }
        capture("/\(prefix)/\(first + number)", tracker)
    }
    return rate * seconds
}

/// Samples the statistics in a separate thread.
final class Watch: Sendable {
    private struct State {
        var samples = 0
        var broken = 0
        var example = ""
    }

    private let state = Mutex(State())

    init(_ tracker: Tracker) throws {
        try DetachedThread.start(name: "watch") { [self] in
            while true {
                let sample = tracker.statistics
                let sum =
                    sample.delivered + sample.dropped.values.reduce(0, +) + sample.queued + sample.inFlight
                    + sample.spooled
                let holds = sample.captured == sum && sample.queued >= 0 && sample.inFlight >= 0 && sample.spooled >= 0
                state.withLock { state in
                    state.samples += 1
                    if !holds {
                        state.broken += 1
                        state.example = "\(sample)"
                    }
                }
                usleep(200)
            }
        }
    }

    var text: String { state.withLock { "samples \($0.samples) broken \($0.broken) \($0.example)" } }
}

/// Runs in the child of a fork, where only the calling thread exists.
func beAChild(_ count: Int, _ prefix: String, _ tracker: Tracker) -> Never {
    for number in 0..<count { capture("/\(prefix)-child/\(number)", tracker) }
    let start = SystemClock.monotonicNanoseconds()
    let result = tracker.shutdown()
    say("\(text(result)) after \((SystemClock.monotonicNanoseconds() - start) / 1_000_000) ms")
    _exit(0)
}

let prefix = CommandLine.arguments.dropFirst().first ?? "event"
do {
    var configuration = try TrackerConfiguration()
    if let cap = getenv("RETRY_CAP").flatMap({ Int(String(cString: $0)) }) {
        configuration.retryPolicy.cap = .milliseconds(cap)
    }
    let tracker = try Tracker(configuration: configuration)
    var number = 0
    var shutdownTime: UInt64 = 0
    var watch: Watch?
    while let line = readLine() {
        let words = line.split(separator: " ")
        let values = words.dropFirst().compactMap { Int($0) }
        let value = values.first ?? 0
        switch words.first {
        case "capture":
            for _ in 0..<value {
                capture("/\(prefix)/\(number)", tracker)
                number += 1
            }
            say("captured \(number)")
        case "pace":
            number += pace(value, seconds: values.last ?? 1, from: number, prefix, tracker)
            say("captured \(number)")
        case "flush": say(text(tracker.flush(timeout: .seconds(value))))
        case "shutdown":
            let start = SystemClock.monotonicNanoseconds()
            let result = tracker.shutdown()
            shutdownTime = SystemClock.monotonicNanoseconds() - start
            say(text(result))
        case "took": say("\(shutdownTime / 1_000_000)")
        case "stats": say("\(tracker.statistics)")
        case "watch":
            watch = try Watch(tracker)
            say("watching")
        case "watched": say(watch?.text ?? "not watched")
        case "fork":
            let child = cspawn_fork()
            if child == 0 { beAChild(value, prefix, tracker) }
            let status = cspawn_wait(child)
            cspawn_reap(child)
            if status != 0 { say("the child ended with \(status)") }
        case "forkexit":
            let start = SystemClock.monotonicNanoseconds()
            let child = cspawn_fork()
            if child == 0 { exit(0) }
            let status = cspawn_wait(child)
            cspawn_reap(child)
            say("ended with \(status) after \((SystemClock.monotonicNanoseconds() - start) / 1_000_000) ms")
        case "exit": exit(0)
        default: say("unknown command \(line)")
        }
    }
} catch {
    say("\(error)")
    exit(78)
}
