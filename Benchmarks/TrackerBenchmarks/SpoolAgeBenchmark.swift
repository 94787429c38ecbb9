import Foundation
import TrackerCore

/// How long an event is only in memory while the backend accepts connections and never responds: what a kill may lose.
enum SpoolAgeBenchmark {
    private static let events = 600
    private static let rate = 200.0

    static func run() throws -> Table {
        var table = Table(
            "From the end of a request to the disk, \(Int(rate)) requests/s, the backend hangs",
            columns: ["RA_SPOOL_AFTER", "p50", "p99", "most"])
        for age in [Duration.zero, .seconds(1)] {
            let delays = try delays(age).sorted()
            func milliseconds(_ share: Double) -> String {
                "\(decimal(delays[min(delays.count - 1, Int(Double(delays.count) * share))] * 1e3, 1)) ms"
            }
            table.add("\(age.components.seconds) s", milliseconds(0.5), milliseconds(0.99), milliseconds(1))
        }
        return table
    }

    private static func delays(_ age: Duration) throws -> [Double] {
        let directory = try BenchmarkTools.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        // The kernel accepts connections for it; nothing reads from them.
        let (listener, port) = try TCPListener.open(host: "127.0.0.1", port: 0)
        defer { close(listener) }
        var configuration = try TrackerConfiguration(
            projectID: "p", projectToken: "t", backendEndpoint: "http://127.0.0.1:\(port)")
        configuration.spoolDirectory = directory.appending(path: "spool").path
        configuration.spoolAfter = age
        let tracker = try Tracker(configuration: configuration)
        let request = SampleRequest()
        var captures: [UInt64] = []
        var delays: [Double] = []
        let start = SystemClock.monotonicNanoseconds()
        while delays.count < events {
            let now = SystemClock.monotonicNanoseconds()
            guard now - start < 30_000_000_000 else { throw BenchmarkFailure("not on disk: \(tracker.statistics)") }
            let spooled = tracker.statistics.spooled
            while delays.count < min(spooled, captures.count) {
                delays.append(Double(now - captures[delays.count]) / 1e9)
            }
            if captures.count < events, Double(now - start) / 1e9 * rate >= Double(captures.count) {
                tracker.begin(request.snapshot)?.finish(status: 200, viewName: "hello")
                captures.append(SystemClock.monotonicNanoseconds())
            }
            usleep(200)
        }
        tracker.shutdown(timeout: .zero)
        return delays
    }
}
