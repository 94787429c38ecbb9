import Foundation
import TrackerCore

/// The demo site over keep-alive HTTP: compared with nginx with one worker, and with and without the tracker and its
/// delivery. The sink shares the processors. Alternating rounds.
enum DemoServerBenchmark {
    private static let connections = 64
    /// More rounds than elsewhere: five programs share the processors, so the rounds vary.
    private static let rounds = 7

    static func run() throws -> Table {
        var table = Table(
            "Demo site over HTTP, wrk with \(connections) connections",
            columns: ["server", "requests/s", "ratio", "of"])
        guard let wrk = Wrk(connections: connections), let nginx = try NginxSink.start(),
            let batchSink = try NginxSink.start(.init(takesBatches: true))
        else {
            table.add("skipped: needs nginx and wrk")
            return table
        }
        defer {
            nginx.stop()
            batchSink.stop()
        }
        let plain = try Site(["RA_DEBUG_DISABLE_ANALYTICS": "true"])
        let single = try Site(["RA_BACKEND_ENDPOINT": nginx.url, "RA_BATCHES": "false"])
        let batched = try Site(["RA_BACKEND_ENDPOINT": batchSink.url])
        defer { for site in [plain, single, batched] { site.stop() } }
        var rates: [[Double]] = [[], [], [], []]
        for _ in 0..<rounds {
            for (index, url) in [nginx.url + "/", plain.url, single.url, batched.url].enumerated() {
                rates[index].append(try wrk.rate(url, seconds: 3))
                // Let pending events be delivered within this round.
                Thread.sleep(forTimeInterval: index > 1 ? 1.5 : 0.1)
            }
        }
        func ratio(_ index: Int, _ other: Int) -> String {
            decimal(median(zip(rates[index], rates[other]).map { $0 / $1 }))
        }
        func rate(_ index: Int) -> String { String(Int(median(rates[index]))) }
        table.add("nginx, return 200, one worker", rate(0), "1.00")
        table.add("demo, tracker disabled", rate(1), ratio(1, 0), "nginx")
        table.add("demo, one event per POST", rate(2), ratio(2, 1), "disabled")
        table.add("demo, NDJSON", rate(3), ratio(3, 1), "disabled")
        for (name, site) in [("one event per POST", single), ("NDJSON", batched)] {
            table.add("events, \(name): \(site.stop())")
        }
        return table
    }

    private final class Site {
        let url: String
        private let program: BackgroundProgram
        private var end: String?

        init(_ settings: [String: String]) throws {
            let port = try BenchmarkTools.freePort()
            url = "http://127.0.0.1:\(port)/hello/x/"
            program = try BackgroundProgram(
                try BaselineProgram.demo("DemoRouterApp"), ["--port", String(port)],
                environment: ["RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t"].merging(settings) { $1 })
            try BenchmarkTools.wait(forPort: port)
        }

        @discardableResult
        func stop() -> String {
            if let end { return end }
            let lines = program.stop().split(separator: "\n")
            let result = lines.last { $0.hasPrefix("tracker: ") }.map { String($0.dropFirst(9)) } ?? "unknown"
            end = result
            return result
        }
    }
}
