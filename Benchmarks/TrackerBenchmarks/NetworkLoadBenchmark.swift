import Foundation
import TrackerCore

/// Measures how many events of a steady load arrive, from a tracker with default settings, at an nginx behind a relay
/// that delays every byte. Ends with the default shutdown.
enum NetworkLoadBenchmark {
    private struct Load {
        let name: String
        let offer: NginxSink.Offer
        /// Milliseconds.
        let roundTrip: Double
        /// Events per second.
        let rate: Int
    }

    private static let seconds = 5
    private static let loads = [
        Load(name: "HTTP/1.1", offer: .init(), roundTrip: 50, rate: 1_000),
        Load(name: "HTTPS", offer: .init(isSecure: true), roundTrip: 50, rate: 1_000),
        Load(name: "HTTP/2", offer: .init(isSecure: true, speaksHTTP2: true), roundTrip: 50, rate: 5_000),
        Load(name: "HTTP/2", offer: .init(isSecure: true, speaksHTTP2: true), roundTrip: 150, rate: 2_000),
        Load(name: "NDJSON", offer: .init(takesBatches: true), roundTrip: 50, rate: 20_000),
    ]

    static func run() throws -> Table {
        var table = Table(
            "Delivery to nginx behind a relay, a steady load for \(seconds) s, default settings and shutdown",
            columns: ["backend", "round trip", "events/s", "captured", "delivered", "connections", "shutdown"])
        for load in loads {
            guard let nginx = try NginxSink.start(load.offer) else {
                table.add(load.name, "skipped: needs nginx\(load.offer.isSecure ? " and openssl" : "")")
                continue
            }
            defer { nginx.stop() }
            let relay = try RelayProgram(to: nginx.port, roundTrip: load.roundTrip)
            defer { relay.stop() }
            var configuration = try TrackerConfiguration(
                projectID: "p", projectToken: "t",
                backendEndpoint: "\(load.offer.isSecure ? "https" : "http")://127.0.0.1:\(relay.port)")
            configuration.caFile = nginx.authority
            let tracker = try Tracker(configuration: configuration)
            try pace(tracker, load.rate)
            let start = SystemClock.monotonicNanoseconds()
            tracker.shutdown()
            let time = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
            let statistics = tracker.statistics
            table.add(
                load.name, "\(Int(load.roundTrip)) ms", String(load.rate), String(statistics.captured),
                String(statistics.delivered), String(try relay.connections()), "\(decimal(time)) s")
        }
        return table
    }

    /// Captures evenly, in steps of a millisecond.
    private static func pace(_ tracker: Tracker, _ rate: Int) throws {
        let request = SampleRequest()
        let start = SystemClock.monotonicNanoseconds()
        var done = 0
        while done < rate * seconds {
            let due = min(
                rate * seconds, Int(Double(SystemClock.monotonicNanoseconds() - start) / 1e9 * Double(rate)))
            for _ in done..<max(done, due) { tracker.begin(request.snapshot)?.finish(status: 200, viewName: "hello") }
            done = max(done, due)
            usleep(1_000)
        }
    }
}
