import NIOCore
import TrackerCore
import Vapor

struct EmptyMiddleware: AsyncMiddleware {
    func respond(to request: Request, chainingTo next: any AsyncResponder) async throws -> Response {
        try await next.respond(to: request)
    }
}

struct HelloResponder: AsyncResponder {
    func respond(to request: Request) async throws -> Response { Response(status: .ok) }
}

/// Measures what the tracking middleware adds to an empty one: calls both alternately, without a network, in 7 rounds.
enum Measurement {
    static func run() async throws {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        configuration.logHandler = { _ in }
        let tracker = try Tracker(configuration: configuration, transport: InstantTransport())
        let app = try await Application.make(Environment(name: "production", arguments: ["App"]))
        let route = app.get("hello", ":name") { _ in Response(status: .ok) }
        let loop = app.eventLoopGroup.next()

        // Few requests at a time, as between two reads of the queue by the delivery thread. Each is new, because a
        // server has just parsed it, and is released in the measured time, as a server releases it.
        func spend(_ spent: inout Duration, _ middleware: some AsyncMiddleware) async throws {
            for _ in 0..<50 {
                var requests = (0..<20).map { _ in
                    let request = Request(
                        application: app, method: .GET, url: "/hello/you?x=1", headers: headers(),
                        remoteAddress: address, on: loop)
                    request.route = route
                    return request
                }
                let start = ContinuousClock.now
                while let request = requests.popLast() {
                    _ = try await middleware.respond(to: request, chainingTo: HelloResponder())
                }
                spent += ContinuousClock.now - start
            }
            await tracker.flush()
        }
        let (without, with) = (EmptyMiddleware(), TrackingMiddleware(tracker: tracker))
        // In turns within a round, too: the machine's speed may change from second to second.
        func round(_ turns: Int) async throws -> (empty: Double, tracked: Double) {
            var (empty, tracked) = (Duration.zero, Duration.zero)
            for _ in 0..<turns {
                try await spend(&empty, without)
                try await spend(&tracked, with)
            }
            let requests = Double(turns * 1_000)
            return (empty / .microseconds(1) / requests, tracked / .microseconds(1) / requests)
        }
        _ = try await round(10)
        var added: [Double] = []
        for _ in 0..<7 {
            let pair = try await round(100)
            added.append(pair.tracked - pair.empty)
            print("empty \(pair.empty) us, tracked \(pair.tracked) us, added \(pair.tracked - pair.empty) us")
        }
        try await app.asyncShutdown()
        await tracker.shutdown()
        print("median added: \(added.sorted()[3]) us; \(tracker.statistics)")
    }

    private static let address = try? SocketAddress(ipAddress: "192.0.2.7", port: 40_000)

    /// Fifteen header fields, including a session cookie.
    private static func headers() -> HTTPHeaders {
        var headers = HTTPHeaders([("Host", "example.test")])
        for number in 0..<13 { headers.add(name: "X-Field-\(number)", value: "value \(number)") }
        headers.add(name: "Cookie", value: "theme=dark; ra_session_id=00112233445566778899aabbccddeeff")
        return headers
    }
}

/// Delivers every payload immediately.
struct InstantTransport: EventTransport {
    func open() throws(TransportUnavailable) -> any TransportSession {
        ImmediateSession { payload in
            DeliveryCompletion(identifier: payload.identifier, outcome: .delivered, acceptsLines: true)
        }
    }
}
