import Foundation
import TrackerCore

/// The cost of a spool of many small files, such as CGI programs leave behind, with one or a few events each.
enum SegmentsBenchmark {
    private static let segments = 20_000
    private static let bytes = 1_173

    static func run() throws -> Table {
        var table = Table(
            "Spool: \(segments) segments of one event of \(bytes) bytes", columns: ["operation", "events/s", "seconds"])
        let directory = try BenchmarkTools.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "spool").path

        try fill(path, scratch: directory.appending(path: "scratch").path)
        let seconds = try takeAll(path)
        table.add("claim, check and remove", String(Int(Double(segments) / seconds)), decimal(seconds))

        guard let nginx = try NginxSink.start() else {
            table.add("delivered: skipped, needs nginx")
            return table
        }
        defer { nginx.stop() }
        try fill(path, scratch: directory.appending(path: "scratch").path)
        let delivery = try deliver(path, to: nginx)
        table.add("delivered to nginx, one per POST", String(Int(Double(segments) / delivery)), decimal(delivery))
        return table
    }

    /// Stores each event in an empty directory, so that it gets its own file, and moves that file to the spool.
    private static func fill(_ path: String, scratch: String) throws {
        let spool = try Spool(directory: scratch)
        _ = try Spool(directory: path)
        let identifiers = EventIdentifierGenerator()
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: bytes)
        for _ in 0..<segments {
            let record = SpoolRecord(
                key: ParcelKey(identifiers.next()), capturedAt: SystemClock.epochNanoseconds(), body: body)
            guard spool.append([record]).result.stored == 1 else { throw BenchmarkFailure("the spool took not all") }
            spool.close()
            for name in try FileManager.default.contentsOfDirectory(atPath: scratch) {
                guard rename("\(scratch)/\(name)", "\(path)/\(name)") == 0 else {
                    throw BenchmarkFailure("a segment can't be moved")
                }
            }
        }
    }

    private static func takeAll(_ path: String) throws -> Double {
        let spool = try Spool(directory: path)
        let start = SystemClock.monotonicNanoseconds()
        spool.look()
        var count = 0
        while let next = spool.next() {
            count += 1
            spool.settle(next.place)
        }
        guard count == segments else { throw BenchmarkFailure("the spool gave back \(count)") }
        return Double(SystemClock.monotonicNanoseconds() - start) / 1e9
    }

    /// Delivers the spool with a tracker whose own single event starts delivery.
    private static func deliver(_ path: String, to nginx: NginxSink) throws -> Double {
        var configuration = try TrackerConfiguration(
            projectID: "p", projectToken: "t", backendEndpoint: nginx.url)
        configuration.spoolDirectory = path
        let tracker = try Tracker(configuration: configuration)
        let request = SampleRequest()
        let start = SystemClock.monotonicNanoseconds()
        tracker.begin(request.snapshot)?.finish(status: 200, viewName: "hello")
        while try !FileManager.default.contentsOfDirectory(atPath: path).isEmpty {
            guard SystemClock.monotonicNanoseconds() - start < 120_000_000_000 else {
                throw BenchmarkFailure("not everything was delivered in two minutes: \(tracker.statistics)")
            }
            usleep(20_000)
        }
        let seconds = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
        tracker.shutdown()
        // One more request is the tracker's own event, another is this query.
        guard try nginx.requests() == segments + 2 else { throw BenchmarkFailure("nginx got another number") }
        return seconds
    }
}
