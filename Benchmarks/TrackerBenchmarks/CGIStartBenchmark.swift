import Foundation
import TrackerCore

/// Time from the start of a CGI program to the first byte of its response: the demo with the tracker installed, and an
/// empty C program. Seven alternating rounds.
enum CGIStartBenchmark {
    static func run() throws -> Table {
        var table = Table(
            "CGI start to first byte, median of 7 rounds of 60", columns: ["program", "median", "above C"])
        guard let empty = try BaselineProgram.compile("cgi_empty") else {
            table.add("skipped: needs cc", "", "")
            return table
        }
        let demo = try BaselineProgram.demo()
        let sink = try NginxSink.start()
        defer { sink?.stop() }
        let tracked = [
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": sink?.url ?? "http://127.0.0.1:9",
        ]
        var times: [String: [Double]] = [:]
        for _ in 0..<7 {
            times["c", default: []].append(try measure(empty, [:]))
            times["plain", default: []].append(try measure(demo, [:]))
            times["tracked", default: []].append(try measure(demo, tracked))
        }
        func above(_ name: String) -> Double {
            median(zip(times[name] ?? [], times["c"] ?? []).map { $0 - $1 })
        }
        func milliseconds(_ value: Double) -> String { "\(decimal(value / 1e6)) ms" }
        table.add("C, empty", milliseconds(median(times["c"] ?? [])), "")
        table.add("demo, no tracker", milliseconds(median(times["plain"] ?? [])), milliseconds(above("plain")))
        table.add(
            "demo, tracker installed", milliseconds(median(times["tracked"] ?? [])), milliseconds(above("tracked")))
        return table
    }

    /// The median of 60 starts, in nanoseconds.
    private static func measure(_ program: String, _ settings: [String: String]) throws -> Double {
        let environment = settings.merging([
            "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "REQUEST_URI": "/hello/x/", "HTTP_HOST": "h",
            "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "h", "SERVER_PORT": "80",
        ]) { $1 }
        var samples = Samples(capacity: 60)
        for _ in 0..<60 { samples.add(try firstByte(program, environment)) }
        return samples.percentile(0.5)
    }

    private static func firstByte(_ program: String, _ environment: [String: String]) throws -> UInt64 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError(call: "pipe") }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addclose(&actions, ends[1])
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var child: pid_t = 0
        let start = SystemClock.monotonicNanoseconds()
        guard posix_spawn(&child, program, &actions, nil, &arguments, &variables) == 0 else {
            throw SystemError(call: "posix_spawn")
        }
        close(ends[1])
        var byte: UInt8 = 0
        let count = read(ends[0], &byte, 1)
        let took = SystemClock.monotonicNanoseconds() - start
        var rest = [UInt8](repeating: 0, count: 4096)
        while read(ends[0], &rest, rest.count) > 0 {}
        var status: Int32 = 0
        waitpid(child, &status, 0)
        guard count == 1, status == 0 else { throw BenchmarkFailure("\(program) ended with \(status)") }
        return took
    }
}
