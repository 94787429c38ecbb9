import TrackerCore
import TrackerRouterAdapter

/// What the middleware adds to a request: the same handler with and without it, alternately.
enum RequestPathBenchmark {
    static func run() async throws -> Table {
        var table = Table(
            "Request path: middleware against the bare handler (15 header fields, session cookie)",
            columns: ["callers", "bare p50", "tracked p50", "added p50", "added p99", "added p99.9"])
        for callers in [1, 2, 8] {
            var added: [(p50: Double, p99: Double, p999: Double)] = []
            var bareMedians: [Double] = []
            var trackedMedians: [Double] = []
            for _ in 0..<5 {
                let bare = try await measure(callers: callers, isTracked: false)
                let tracked = try await measure(callers: callers, isTracked: true)
                bareMedians.append(bare.percentile(0.5))
                trackedMedians.append(tracked.percentile(0.5))
                added.append(
                    (
                        tracked.percentile(0.5) - bare.percentile(0.5),
                        tracked.percentile(0.99) - bare.percentile(0.99),
                        tracked.percentile(0.999) - bare.percentile(0.999)
                    ))
            }
            table.add(
                String(callers), nanoseconds(median(bareMedians)), nanoseconds(median(trackedMedians)),
                nanoseconds(median(added.map(\.p50))), nanoseconds(median(added.map(\.p99))),
                nanoseconds(median(added.map(\.p999))))
        }
        return table
    }

    private static func nanoseconds(_ value: Double) -> String { "\(Int(value)) ns" }

    private static let requests = 20_000

    private static func measure(callers: Int, isTracked: Bool) async throws -> Samples {
        let configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        let tracker = Tracker(configuration: configuration, transport: DiscardingTransport())
        let analytics = AnalyticsMiddleware<SampleRequest, SampleResponse>(
            tracker: tracker,
            mapping: .init(
                snapshot: { $0.snapshot }, viewName: { _ in "hello" }, status: { $0.status },
                responseCookies: { $0.cookies }, addCookie: { $0.cookies.append($1) }))
        let middleware = analytics.middleware
        let request = SampleRequest()
        let samples = try await withThrowingTaskGroup(of: Samples.self) { group in
            for _ in 0..<callers {
                group.addTask {
                    var samples = Samples(capacity: requests)
                    for number in 0..<requests {
                        let start = SystemClock.monotonicNanoseconds()
                        if isTracked {
                            _ = try await middleware(request) { _ in try await handle() }
                        } else {
                            _ = try await handle()
                        }
                        samples.add(SystemClock.monotonicNanoseconds() - start)
                        // Room for the delivery thread, as between real requests.
                        if number % 64 == 0 { await Task.yield() }
                    }
                    return samples
                }
            }
            var all = Samples(capacity: requests * callers)
            for try await samples in group { all.merge(samples) }
            return all
        }
        await tracker.shutdown(timeout: .seconds(10))
        return samples
    }

    @inline(never)
    private static func handle() async throws -> SampleResponse { SampleResponse() }
}

extension Samples {
    mutating func merge(_ other: Samples) {
        for value in other.all { add(value) }
    }
}
