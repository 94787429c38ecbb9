import Foundation
import TrackerCore

/// Runs one operation a given number of times and nothing else, for tools that count instructions.
///
///     TrackerBenchmarks --operations request-path|encoder|filter COUNT
enum SingleOperation {
    static func run(_ arguments: [String]) -> Int32 {
        guard arguments.count == 2, let count = Int(arguments[1]), count > 0 else { return usage() }
        switch arguments[0] {
        case "request-path": return requestPath(count)
        case "encoder": return encode(count, .none)
        case "filter": return encode(count, .standard)
        default: return usage()
        }
    }

    private static func usage() -> Int32 {
        print("usage: TrackerBenchmarks --operations request-path|encoder|filter COUNT")
        return 64
    }

    /// The middleware around a synchronous handler, while the delivery thread is idle.
    private static func requestPath(_ count: Int) -> Int32 {
        guard var configuration = try? TrackerConfiguration(projectID: "p", projectToken: "t") else { return 1 }
        configuration.queueCapacity = .max
        configuration.queueMaximumBytes = .max
        // Allows more waiting events than a configuration does.
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
}
