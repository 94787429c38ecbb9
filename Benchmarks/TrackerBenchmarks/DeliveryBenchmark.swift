import Foundation
import TrackerCore

/// Events through the whole pipeline to an nginx that answers 200, against the C program of `Benchmarks/baseline` that
/// sends as many bodies of the same size over as many connections. Alternately, five rounds.
enum DeliveryBenchmark {
    private static let events = 30_000
    private static let connections = 8

    static func run() throws -> Table {
        var table = Table(
            "Delivery to nginx on loopback, one event per POST, \(connections) connections",
            columns: ["program", "events/s", "CPU per event", "ratio of rates"])
        guard let nginx = try NginxSink.start() else {
            table.add("skipped: nginx is not installed", "", "", "")
            return table
        }
        defer { nginx.stop() }
        let baseline = try CurlBaseline.build()
        var ours: [(rate: Double, cpu: Double)] = []
        var theirs: [(rate: Double, cpu: Double)] = []
        for _ in 0..<5 {
            if let baseline {
                theirs.append(try baseline.run(url: nginx.url, count: events, connections: connections, bytes: 1173))
            }
            ours.append(try measure(url: nginx.url))
        }
        let rate = median(ours.map(\.rate))
        if baseline != nil {
            let other = median(theirs.map(\.rate))
            table.add("C, libcurl multi", String(Int(other)), "\(decimal(median(theirs.map(\.cpu)))) us", "1.00")
            table.add(
                "tracker", String(Int(rate)), "\(decimal(median(ours.map(\.cpu)))) us", decimal(rate / other))
        } else {
            table.add("C, libcurl multi: needs cc and libcurl4-openssl-dev", "", "", "")
            table.add("tracker", String(Int(rate)), "\(decimal(median(ours.map(\.cpu)))) us", "")
        }
        return table
    }

    private static func measure(url: String) throws -> (rate: Double, cpu: Double) {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t", backendEndpoint: url)
        configuration.maximumConnections = connections
        configuration.privacy = .none
        configuration.usesBatches = false
        configuration.queueMaximumBytes = 1 << 30
        let tracker = Tracker(configuration: configuration)
        let request = SampleRequest()
        let cpu = ProcessTime.now
        let start = SystemClock.monotonicNanoseconds()
        for _ in 0..<events { tracker.begin(request.snapshot)?.finish(status: 200, viewName: "hello") }
        tracker.flush(timeout: .seconds(60))
        let elapsed = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
        let used = ProcessTime.now - cpu
        tracker.shutdown(timeout: .seconds(1))
        guard tracker.statistics.delivered == events else {
            throw BenchmarkFailure("not everything was delivered: \(tracker.statistics)")
        }
        return (Double(events) / elapsed, used / Double(events) * 1e6)
    }
}

/// Seconds of CPU that this process has used.
enum ProcessTime {
    static var now: Double {
        var usage = rusage()
        getrusage(BenchmarkTools.thisProcess, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

/// A measurement that can't be trusted.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
