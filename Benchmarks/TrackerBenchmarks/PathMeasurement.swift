import TrackerCore
import TrackerRouterAdapter

/// Measures what the middleware adds to one request: the same handler with and without it.
enum PathMeasurement {
    struct Added {
        var bare: [Double] = []
        var tracked: [Double] = []
        var p50: [Double] = []
        var p99: [Double] = []
        var p999: [Double] = []

        var cells: [String] {
            [time(median(bare)), time(median(tracked)), time(median(p50)), time(median(p99)), time(median(p999))]
        }
    }

    static let columns = ["bare p50", "tracked p50", "added p50", "added p99", "added p99.9"]
    static let requests = 20_000

    /// Runs five alternating rounds of each.
    ///
    /// - Parameter makeTracker: creates the tracker for one round; it is shut down at the round's end.
    static func run(callers: Int, _ makeTracker: () throws -> Tracker) async throws -> Added {
        var added = Added()
        for _ in 0..<5 {
            let bare = try await samples(callers: callers) { _ in try await handle() }
            let tracker = try makeTracker()
            let middleware = analytics(tracker).middleware
            let tracked = try await samples(callers: callers) { request in
                try await middleware(request) { _ in try await handle() }
            }
            await tracker.shutdown(timeout: .milliseconds(100))
            added.bare.append(bare.percentile(0.5))
            added.tracked.append(tracked.percentile(0.5))
            added.p50.append(tracked.percentile(0.5) - bare.percentile(0.5))
            added.p99.append(tracked.percentile(0.99) - bare.percentile(0.99))
            added.p999.append(tracked.percentile(0.999) - bare.percentile(0.999))
        }
        return added
    }

    /// Returns the allocations per request beyond those of the bare handler.
    static func allocations(_ tracker: Tracker) throws -> Double? {
        let bare: @Sendable (SampleRequest) throws -> SampleResponse = { _ in SampleResponse() }
        let tracked = analytics(tracker).wrap(bare)
        let request = SampleRequest()
        for _ in 0..<1000 { _ = try tracked(request) }
        let own = try Allocations.count(1000) { use(try bare(request)) }
        let all = try Allocations.count(1000) { use(try tracked(request)) }
        return zip2(all, own).map { $0 - $1 }
    }

    static func analytics(_ tracker: Tracker) -> AnalyticsMiddleware<SampleRequest, SampleResponse> {
        AnalyticsMiddleware(
            tracker: tracker,
            mapping: .init(
                snapshot: { $0.snapshot }, viewName: { _ in "hello" }, status: { $0.status },
                responseCookies: { $0.cookies }, addCookie: { $0.cookies.append($1) },
                statusOfError: { _ in nil }))
    }

    private static func samples(
        callers: Int, _ serve: @escaping @Sendable (SampleRequest) async throws -> SampleResponse
    ) async throws -> Samples {
        let request = SampleRequest()
        return try await withThrowingTaskGroup(of: Samples.self) { group in
            for _ in 0..<callers {
                group.addTask {
                    var samples = Samples(capacity: requests)
                    for number in 0..<requests {
                        let start = SystemClock.monotonicNanoseconds()
                        _ = try await serve(request)
                        samples.add(SystemClock.monotonicNanoseconds() - start)
                        // Lets the delivery thread run, as between real requests.
                        if number % 64 == 0 { await Task.yield() }
                    }
                    return samples
                }
            }
            var all = Samples(capacity: requests * callers)
            for try await samples in group { all.merge(samples) }
            return all
        }
    }

    @inline(never)
    private static func handle() async throws -> SampleResponse { SampleResponse() }

    private static func zip2(_ first: Double?, _ second: Double?) -> (Double, Double)? {
        guard let first, let second else { return nil }
        return (first, second)
    }
}

extension Samples {
    mutating func merge(_ other: Samples) {
        for value in other.all { add(value) }
    }
}
