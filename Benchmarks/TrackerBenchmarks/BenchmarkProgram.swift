import DemoServer
import Foundation

/// Runs benchmarks, from the arguments to the exit status.
enum BenchmarkProgram {
    private struct Area: Sendable {
        let name: String
        let what: String
        let run: @Sendable () async throws -> Table
    }

    private static let areas = [
        Area(name: "request-path", what: "the middleware against the bare handler") {
            try await RequestPathBenchmark.run()
        },
        Area(name: "request-states", what: "the same, in every state of queue and backend") {
            try await RequestStateBenchmark.run()
        },
        Area(name: "encoding", what: "one browser's event as JSON, and what the filter adds") {
            EncodingBenchmark.run()
        },
        Area(name: "privacy-worst", what: "what the filter costs for the worst input, against ordinary input") {
            WorstInputBenchmark.run()
        },
        Area(name: "queue", what: "events in and out, and the memory of a full queue") { try QueueBenchmark.run() },
        Area(name: "session", what: "session ids and cookies") { SessionBenchmark.run() },
        Area(name: "spool", what: "events to disk and back") { try SpoolBenchmark.run() },
        Area(name: "spool-age", what: "how long an event is in memory only") { try SpoolAgeBenchmark.run() },
        Area(name: "segments", what: "a spool of 20,000 small files, delivered") { try SegmentsBenchmark.run() },
        Area(name: "delivery", what: "events to nginx, against C on libcurl and wrk") { try DeliveryBenchmark.run() },
        Area(name: "network-http1", what: "to a distant backend, against C on libcurl and the Python package") {
            try NetworkBenchmark.run(NetworkBenchmark.http)
        },
        Area(name: "network-https", what: "the same over https") { try NetworkBenchmark.run(NetworkBenchmark.https) },
        Area(name: "network-http2", what: "the same over HTTP/2") { try NetworkBenchmark.run(NetworkBenchmark.http2) },
        Area(name: "network-ndjson", what: "the same with batches") {
            try NetworkBenchmark.run(NetworkBenchmark.batches)
        },
        Area(name: "network-load", what: "a steady load to a distant backend with default settings, and the shutdown") {
            try NetworkLoadBenchmark.run()
        },
        Area(name: "demo-server", what: "the demo site against nginx, with and without the tracker") {
            try DemoServerBenchmark.run()
        },
        Area(name: "fastcgi", what: "FastCGI behind nginx, against C on libfcgi") { try FastCGIBenchmark.run() },
        Area(name: "fastcgi-memory", what: "the FastCGI demo, idle and with an upload of 1 GiB") {
            try FastCGIMemoryBenchmark.run()
        },
        Area(name: "cgi-start", what: "the start of a CGI program, against an empty one in C") {
            try CGIStartBenchmark.run()
        },
    ]

    static func run(_ arguments: [String]) async -> Int32 {
        do {
            var options = CommandLineOptions(
                program: "TrackerBenchmarks",
                summary: """
                    Measures the tracker and its baselines side by side, and prints a table for each area:

                    \(areas.map { "  \($0.name.padding(toLength: 16, withPad: " ", startingAt: 0))\($0.what)" }.joined(separator: "\n"))

                    Build it with: swift build -c release -Xswiftc -static-stdlib (CGI programs start faster).
                    """,
                options: [
                    .init("filter", value: "X", "Only areas whose name contains X; separate several with commas."),
                    .init("json", value: "FILE", "Also write the results to this file, as JSON."),
                ])
            try options.parse(arguments)
            if options.has("help") {
                print(options.helpText, terminator: "")
                return 0
            }
            let wanted = options.text("filter")?.split(separator: ",") ?? [""]
            let chosen = areas.filter { area in wanted.contains { $0.isEmpty || area.name.contains($0) } }
            guard !chosen.isEmpty else {
                StandardError.write(
                    "there is no such area; the areas are \(areas.map(\.name).joined(separator: ", "))")
                return ExitStatus.usage
            }
            return try await run(chosen, options.text("json"))
        } catch {
            StandardError.write("\(error)")
            return ExitStatus.usage
        }
    }

    private static func run(_ areas: [Area], _ file: String?) async throws -> Int32 {
        var report = BenchmarkReport()
        var status: Int32 = 0
        for area in areas {
            do {
                let table = try await area.run()
                print(table.text)
                fflush(nil)
                report.add(table, area: area.name)
            } catch {
                StandardError.write("\(area.name): \(error)")
                status = 1
            }
        }
        if let file { try report.write(to: file) }
        return status
    }
}
