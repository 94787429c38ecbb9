import Foundation
import TrackerCore

/// Runs one operation a given number of times and nothing else, for tools that count instructions.
///
///     TrackerBenchmarks --operations request-path|encoder|filter COUNT
///     TrackerBenchmarks --operations single-post|ndjson COUNT URL
///     TrackerBenchmarks --sink
///
/// The last one starts an nginx to deliver to, and prints its URL, because a program under valgrind can't start one.
enum SingleOperation {
    static func run(_ arguments: [String]) -> Int32 {
        guard arguments.count >= 2, let count = Int(arguments[1]), count > 0, count < 100_000 else { return usage() }
        if arguments.count == 3 {
            switch arguments[0] {
            case "single-post": return deliver(count, to: arguments[2], inBatches: false)
            case "ndjson": return deliver(count, to: arguments[2], inBatches: true)
            default: return usage()
            }
        }
        switch arguments[0] {
        case "request-path": return requestPath(count)
        case "encoder": return encode(count, .none)
        case "filter": return encode(count, .standard)
        default: return usage()
        }
    }

    private static func usage() -> Int32 {
        print(
            """
            usage: TrackerBenchmarks --operations request-path|encoder|filter COUNT
                   TrackerBenchmarks --operations single-post|ndjson COUNT URL
                   TrackerBenchmarks --sink
            COUNT is below 100,000. The sink prints the URL, and ends with its standard input.
            """)
        return 64
    }

    /// Runs an nginx that accepts batches, until standard input ends.
    static func sink() -> Int32 {
        guard let nginx = try? NginxSink.start(.init(takesBatches: true)) else {
            print("nginx can't be started")
            return 1
        }
        FileHandle.standardOutput.write(Data("\(nginx.url)\n".utf8))
        while readLine() != nil {}
        nginx.stop()
        return 0
    }

    /// Runs the middleware around a synchronous handler, while the delivery thread is idle.
    private static func requestPath(_ count: Int) -> Int32 {
        guard var configuration = try? TrackerConfiguration(projectID: "p", projectToken: "t") else { return 1 }
        configuration.queueCapacity = .max
        configuration.queueMaximumBytes = .max
        // Skips the validation, which would not allow so many waiting events.
        let tracker = Tracker(checked: configuration, transport: StalledTransport())
        let request = SampleRequest()
        let tracked = PathMeasurement.analytics(tracker).wrap { (_: SampleRequest) in SampleResponse() }
        use(tracked(request))
        while tracker.statistics.queued > 0 { usleep(1000) }
        for _ in 0..<count { use(tracked(request)) }
        // Exits without a shutdown: the waiting events don't matter.
        _exit(tracker.statistics.captured == count + 1 ? 0 : 1)
    }

    private static func encode(_ count: Int, _ mode: PrivacyMode) -> Int32 {
        var meter = EncodingMeter(privacy: PrivacyPolicy(mode), snapshots: SampleRequest.visitors(256))
        for _ in 0..<count { meter.encodeOnce() }
        _exit(meter.lastLength > 500 ? 0 : 1)
    }

    /// Delivers events, from the request to nginx, over eight connections.
    private static func deliver(_ count: Int, to url: String, inBatches: Bool) -> Int32 {
        do {
            let tracker = try Tracker(
                configuration: .forDelivery(to: url, connections: 8, usesBatches: inBatches))
            let request = SampleRequest()
            for _ in 0..<count { tracker.begin(request.snapshot)?.finish(status: 200, viewName: "hello") }
            tracker.shutdown(timeout: .seconds(120))
            return tracker.statistics.delivered == count ? 0 : 1
        } catch {
            print(error)
            return 1
        }
    }
}
