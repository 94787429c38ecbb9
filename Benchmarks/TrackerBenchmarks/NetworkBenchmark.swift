import Foundation
import TrackerCore

/// Delivers events through the whole pipeline to an nginx behind a relay that delays every byte, compared with the C
/// program of `Benchmarks/baseline` over the same relay with as many connections and streams, and with the Python
/// package. Three alternating rounds.
///
/// Measures full speed in the steady state: before the clock starts, enough events have been delivered that connections
/// are open and the tracker knows its backend. The C program opens its connections while the clock runs, but needs only
/// two or three round trips for all of them.
enum NetworkBenchmark {
    private static let bodyBytes = 1173
    private static let batch = 500
    private static let roundTrips = [0.0, 10, 50, 150]
    private static let rounds = 3

    /// One way of delivery.
    struct Way {
        let name: String
        fileprivate let offer: NginxSink.Offer
        fileprivate let connections: Int
        fileprivate var streams = 1
        /// The most events per run, for short round trips.
        fileprivate let events: Int

        var isBatched: Bool { offer.takesBatches }

        /// Returns about two seconds' worth of events: the round trip limits the rate.
        func events(_ roundTrip: Double) -> Int {
            guard roundTrip > 0, !isBatched else { return events }
            return min(events, Int(Double(connections * streams) / roundTrip * 2000))
        }
    }

    static let http = Way(name: "HTTP/1.1", offer: .init(), connections: 64, events: 30_000)
    static let https = Way(name: "HTTPS", offer: .init(isSecure: true), connections: 64, events: 20_000)
    static let http2 = Way(
        name: "HTTP/2", offer: .init(isSecure: true, speaksHTTP2: true), connections: 8, streams: 128, events: 30_000)
    static let batches = Way(name: "NDJSON", offer: .init(takesBatches: true), connections: 64, events: 200_000)

    private struct Result {
        var rate: Double
        var cpu: Double?
        var connections: Int
    }

    static func run(_ way: Way) throws -> Table {
        var table = Table(
            "Delivery to nginx behind a relay, flat out: \(way.name)",
            columns: ["round trip", "program", "events/s", "CPU per event", "connections", "rate to C"])
        guard let nginx = try NginxSink.start(way.offer) else {
            table.add("", "skipped: needs nginx\(way.offer.isSecure ? " and openssl" : "")")
            return table
        }
        defer { nginx.stop() }
        let baseline = try CurlBaseline.build()
        let python = way.offer.isSecure || way.isBatched ? nil : PythonPackage.find()
        for roundTrip in roundTrips {
            let relay = try RelayProgram(to: nginx.port, roundTrip: roundTrip)
            defer { relay.stop() }
            try measure(way, roundTrip, nginx, relay, baseline, python, &table)
        }
        if baseline == nil { table.add("", "C skipped: needs cc and libcurl4-openssl-dev") }
        if python == nil, !way.offer.isSecure, !way.isBatched {
            table.add("", "Python skipped: needs the environment that Benchmarks/compare/run makes")
        }
        return table
    }

    private static func measure(
        _ way: Way, _ roundTrip: Double, _ nginx: NginxSink, _ relay: RelayProgram, _ baseline: CurlBaseline?,
        _ python: PythonPackage?, _ table: inout Table
    ) throws {
        let url = "\(way.offer.isSecure ? "https" : "http")://127.0.0.1:\(relay.port)"
        let count = way.events(roundTrip)
        // A batch of the C program's counts as that many events, too.
        let per = way.isBatched ? batch : 1
        var ours: [Result] = []
        var theirs: [Result] = []
        var pythons: [Result] = []
        for _ in 0..<rounds {
            _ = try relay.connections()
            if let baseline {
                let result = try baseline.run(
                    url: url, count: count / per, connections: way.connections, bytes: bodyBytes * per,
                    authority: nginx.authority, streams: way.streams)
                theirs.append(
                    Result(
                        rate: result.rate * Double(per), cpu: result.cpu / Double(per),
                        connections: try relay.connections()))
            }
            var result = try deliver(way, url, nginx.authority, count)
            result.connections = try relay.connections()
            ours.append(result)
            if let python {
                let before = try nginx.requests()
                let seconds = try python.run(url: url, count: min(count, 2000))
                // Only what has arrived counts as delivered.
                let rate = Double(try nginx.requests() - before - 1) / seconds
                pythons.append(Result(rate: rate, cpu: nil, connections: try relay.connections()))
            }
        }
        func add(_ program: String, _ results: [Result]) {
            guard !results.isEmpty else { return }
            let ratios = zip(results, theirs).map { $0.rate / $1.rate }
            let cpu = results.compactMap(\.cpu)
            table.add(
                "\(Int(roundTrip)) ms", program, String(Int(median(results.map(\.rate)))),
                cpu.isEmpty ? "" : "\(decimal(median(cpu))) us",
                String(Int(median(results.map { Double($0.connections) }))),
                ratios.isEmpty ? "" : decimal(median(ratios)))
        }
        let streams = way.streams > 1 ? ", \(way.streams) streams each" : ""
        add("C, libcurl, \(way.connections) connections\(streams)", theirs)
        add("tracker, from the request on", ours)
        add("Python package, Flask", pythons)
    }

    /// Captures as fast as the queue accepts events, encoding included.
    private static func deliver(_ way: Way, _ url: String, _ authority: String?, _ count: Int) throws -> Result {
        let tracker = try Tracker(
            configuration: .forDelivery(to: url, connections: 64, usesBatches: way.isBatched, caFile: authority))
        let request = SampleRequest()
        func capture(_ count: Int) {
            for _ in 0..<count { tracker.begin(request.snapshot)?.finish(status: 200, viewName: "hello") }
            tracker.flush(timeout: .seconds(60))
        }
        // The first response tells what the backend accepts.
        capture(1)
        capture(count / 2)
        let cpu = ProcessTime.now
        let start = SystemClock.monotonicNanoseconds()
        capture(count)
        let elapsed = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
        let used = ProcessTime.now - cpu
        tracker.shutdown(timeout: .seconds(1))
        guard tracker.statistics.delivered == count + count / 2 + 1 else {
            throw BenchmarkFailure("not everything was delivered: \(tracker.statistics)")
        }
        return Result(rate: Double(count) / elapsed, cpu: used / Double(count) * 1e6, connections: 0)
    }
}

/// The Python package, in the environment created by `Benchmarks/compare/run`.
private struct PythonPackage {
    private let program: String
    private let folder: URL

    /// - Returns: nil if that does not exist.
    static func find() -> PythonPackage? {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let program = root.appending(path: ".build/compare-venv/bin/python").path
        guard FileManager.default.isExecutableFile(atPath: program) else { return nil }
        return PythonPackage(program: program, folder: root.appending(path: "Benchmarks/compare"))
    }

    /// Tracks that many requests at full speed and exits, as `worker.py` does.
    ///
    /// - Returns: seconds until the process exited, its start included. What it has not sent by then is lost.
    func run(url: String, count: Int) throws -> Double {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["-B", "worker.py", "original-flask", "run", String(count)]
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(["ENDPOINT": url]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let start = SystemClock.monotonicNanoseconds()
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchmarkFailure("worker.py ended with an error") }
        return Double(SystemClock.monotonicNanoseconds() - start) / 1e9
    }
}
