import CLibrary
import Dispatch
import TrackerCore
import TrackerRouterAdapter

/// A handler with the middleware around it, for a browser's request.
struct TrackedWork: Sendable {
    struct Request: Sendable {
        var path: String
        var userAgent: String
    }

    let tracker: Tracker
    private let tracked: @Sendable (Request) throws -> Int
    private let bare: @Sendable (Request) throws -> Int

    init(configuration: TrackerConfiguration) throws(ConfigurationError) {
        let tracker = try Tracker(configuration: configuration)
        self.tracker = tracker
        // Simulates a database query in the handler.
        let handlerMicroseconds = UInt32(getenv("HANDLER_MS").flatMap { Int(String(cString: $0)) } ?? 0) * 1000
        let bare: @Sendable (Request) throws -> Int = { _ in
            if handlerMicroseconds > 0 { usleep(handlerMicroseconds) }
            return 200
        }
        self.bare = bare
        let analytics = AnalyticsMiddleware<Request, Int>(
            tracker: tracker,
            mapping: .init(
                snapshot: { request in
                    var headers = Self.headers
                    headers[1].value = request.userAgent
                    return RequestSnapshot(
                        method: "GET", target: request.path, headers: RequestHeaders(headers),
                        remoteAddress: "127.0.0.1")
                },
                viewName: { _ in "hello" }, status: { $0 }, responseCookies: { _ in [] }, addCookie: { _, _ in },
                statusOfError: { _ in nil }))
        tracked = analytics.wrap(bare)
    }

    /// Measures the handler bare and tracked in five alternating rounds; returns microseconds as JSON.
    func added(_ count: Int) -> String {
        var p50: [Double] = []
        var p99: [Double] = []
        for _ in 0..<5 {
            let without = measure(count, bare)
            let with = measure(count, tracked)
            p50.append(percentile(with, 0.5) - percentile(without, 0.5))
            p99.append(percentile(with, 0.99) - percentile(without, 0.99))
            usleep(200_000)
        }
        return "{\"p50\": \(percentile(p50, 0.5)), \"p99\": \(percentile(p99, 0.5))}"
    }

    func run(_ count: Int) -> String {
        let start = SystemClock.monotonicNanoseconds()
        for number in 0..<count {
            _ = try? tracked(Request(path: "/hello/\(number)/", userAgent: "Mozilla/5.0"))
        }
        let took = Double(SystemClock.monotonicNanoseconds() - start) / 1000
        return "{\"us\": \(took / Double(count)), \"threads\": \(ProcessStatus.threads)}"
    }

    func inThreads(_ count: Int) -> String {
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<count {
                _ = try? tracked(
                    Request(path: "/hello/t\(thread)-\(number)/", userAgent: "browser-t\(thread)"))
            }
        }
        return "{}"
    }

    private func measure(_ count: Int, _ handler: (Request) throws -> Int) -> [Double] {
        var times: [Double] = []
        times.reserveCapacity(count)
        for number in 0..<count {
            let request = Request(path: "/hello/\(number)/", userAgent: "Mozilla/5.0")
            let start = SystemClock.monotonicNanoseconds()
            _ = try? handler(request)
            times.append(Double(SystemClock.monotonicNanoseconds() - start) / 1000)
        }
        return times
    }

    private func percentile(_ values: [Double], _ share: Double) -> Double {
        let ordered = values.sorted()
        return ordered.isEmpty ? 0 : ordered[min(ordered.count - 1, Int(Double(ordered.count) * share))]
    }

    private static let headers: [(name: String, value: String)] = [
        ("Host", "www.example.com"),
        ("User-Agent", ""),
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ("Accept-Language", "en-US,en;q=0.5"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("Referer", "https://www.example.org/articles/2026/11/a-long-title-of-an-article?ref=front&pos=3"),
        ("DNT", "1"),
        ("Sec-GPC", "1"),
        ("Connection", "keep-alive"),
        ("Cookie", "theme=dark; ra_session_id=00112233445566778899aabbccddeeff; consent=analytics%3Dyes"),
        ("Upgrade-Insecure-Requests", "1"),
        ("Sec-Fetch-Dest", "document"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Site", "cross-site"),
        ("If-None-Match", "W/\"5f3c-18b2c4d1e00\""),
    ]
}
