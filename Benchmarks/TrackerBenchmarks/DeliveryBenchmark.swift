import Foundation
import TrackerCore

/// Delivers events through the whole pipeline to an nginx that answers 200, compared with the C program of
/// `Benchmarks/baseline` and `wrk`, which send as many bodies of the same size over as many connections. Five
/// alternating rounds.
enum DeliveryBenchmark {
    private static let connections = 8
    private static let bodyBytes = 1173
    private static let batch = 500

    /// One way of delivery.
    private struct Way {
        let name: String
        let offer: NginxSink.Offer
        let events: Int
        var isBatched: Bool { offer.takesBatches }
    }

    private static let ways = [
        Way(name: "one per POST", offer: .init(), events: 30_000),
        Way(name: "NDJSON", offer: .init(takesBatches: true), events: 200_000),
        Way(name: "NDJSON, gzip", offer: .init(takesBatches: true, takesGzip: true), events: 100_000),
        Way(name: "https, one per POST", offer: .init(isSecure: true), events: 20_000),
        Way(name: "https, NDJSON", offer: .init(takesBatches: true, isSecure: true), events: 200_000),
    ]

    static func run() throws -> Table {
        var table = Table(
            "Delivery to nginx on this machine, \(connections) connections",
            columns: ["way", "program", "events/s", "CPU per event", "rate to C", "CPU to C"])
        let baseline = try CurlBaseline.build()
        let wrk = Wrk(connections: connections)
        for way in ways {
            guard let nginx = try NginxSink.start(way.offer) else {
                table.add(way.name, "skipped: needs nginx\(way.offer.isSecure ? " and openssl" : "")")
                continue
            }
            defer { nginx.stop() }
            try measure(way, nginx, baseline, wrk, &table)
        }
        if baseline == nil { table.add("C", "skipped: needs cc and libcurl4-openssl-dev") }
        return table
    }

    private static func measure(
        _ way: Way, _ nginx: NginxSink, _ baseline: CurlBaseline?, _ wrk: Wrk?, _ table: inout Table
    ) throws {
        var ours: [(rate: Double, cpu: Double)] = []
        var theirs: [(rate: Double, cpu: Double)] = []
        var wrkRates: [Double] = []
        // A batch of the baseline's counts as that many events, too.
        let per = way.isBatched ? batch : 1
        for _ in 0..<5 {
            if let baseline {
                let result = try baseline.run(
                    url: nginx.url, count: way.events / per, connections: connections, bytes: bodyBytes * per,
                    authority: nginx.authority)
                theirs.append((result.rate * Double(per), result.cpu / Double(per)))
            }
            if let wrk, !way.offer.isSecure, !way.isBatched {
                wrkRates.append(try wrk.rate("\(nginx.url)/p", seconds: 1, body: bodyBytes))
            }
            ours.append(try deliver(way, nginx))
        }
        func add(_ program: String, _ results: [(rate: Double, cpu: Double)]) {
            guard !results.isEmpty else { return }
            let ratios = zip(results, theirs).map { (rate: $0.rate / $1.rate, cpu: $0.cpu / $1.cpu) }
            table.add(
                way.name, program, String(Int(median(results.map(\.rate)))),
                "\(decimal(median(results.map(\.cpu)))) us",
                ratios.isEmpty ? "" : decimal(median(ratios.map(\.rate))),
                ratios.isEmpty ? "" : decimal(median(ratios.map(\.cpu))))
        }
        add(way.isBatched ? "C, libcurl, finished batches of \(batch)" : "C, libcurl, one finished body", theirs)
        if !wrkRates.isEmpty {
            let ratios = zip(wrkRates, theirs).map { $0 / $1.rate }
            table.add(
                way.name, "wrk", String(Int(median(wrkRates))), "",
                ratios.isEmpty ? "" : decimal(median(ratios)))
        }
        add("tracker, from the request on", ours)
    }

    /// Captures as fast as the queue accepts events, encoding included.
    private static func deliver(_ way: Way, _ nginx: NginxSink) throws -> (rate: Double, cpu: Double) {
        let tracker = try Tracker(
            configuration: .forDelivery(
                to: nginx.url, connections: connections, usesBatches: way.isBatched,
                usesCompression: way.offer.takesGzip, caFile: nginx.authority))
        let request = SampleRequest()
        // The first response tells what the backend accepts.
        tracker.begin(request.snapshot)?.finish(status: 200, viewName: "hello")
        tracker.flush(timeout: .seconds(10))
        let cpu = ProcessTime.now
        let start = SystemClock.monotonicNanoseconds()
        for _ in 0..<way.events { tracker.begin(request.snapshot)?.finish(status: 200, viewName: "hello") }
        tracker.flush(timeout: .seconds(60))
        let elapsed = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
        let used = ProcessTime.now - cpu
        tracker.shutdown(timeout: .seconds(1))
        guard tracker.statistics.delivered == way.events + 1 else {
            throw BenchmarkFailure("not everything was delivered: \(tracker.statistics)")
        }
        return (Double(way.events) / elapsed, used / Double(way.events) * 1e6)
    }
}

/// Seconds of CPU used by this process.
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
