import NIOCore
import TrackerCore
import Vapor

struct EmptyMiddleware: AsyncMiddleware {
    func respond(to request: Request, chainingTo next: any AsyncResponder) async throws -> Response {
        try await next.respond(to: request)
    }
}

/// What the tracking middleware costs above an empty one: a router asked without a network, alternately, 7 rounds.
enum Measurement {
    static func run() async throws {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        configuration.logHandler = { _ in }
        let tracker = try Tracker(configuration: configuration, transport: InstantTransport())
        let without = try await app(with: EmptyMiddleware())
        let with = try await app(with: TrackingMiddleware(tracker))

        func microseconds(_ app: Application, _ count: Int = 50_000) async throws -> Double {
            let loop = app.eventLoopGroup.next()
            let responder = app.responder.current
            let start = ContinuousClock.now
            for _ in 0..<count {
                let request = Request(
                    application: app, method: .GET, url: "/hello/you?x=1", headers: headers,
                    remoteAddress: address, on: loop)
                _ = try await responder.respond(to: request).get()
            }
            return (ContinuousClock.now - start) / .microseconds(1) / Double(count)
        }
        _ = try await (microseconds(without, 10_000), microseconds(with, 10_000))
        var added: [Double] = []
        for _ in 0..<7 {
            let pair = try await (microseconds(without), microseconds(with))
            added.append(pair.1 - pair.0)
            print("empty \(pair.0) us, tracked \(pair.1) us, added \(pair.1 - pair.0) us")
        }
        try await without.asyncShutdown()
        try await with.asyncShutdown()
        print("median added: \(added.sorted()[3]) us; \(await tracker.shutdown())")
    }

    private static func app(with middleware: any AsyncMiddleware) async throws -> Application {
        let app = try await Application.make(Environment(name: "production", arguments: ["App"]))
        app.logger.logLevel = .critical
        app.middleware = .init()
        app.middleware.use(middleware)
        app.get("hello", ":name") { _ in Response(status: .ok) }
        return app
    }

    private static let address = try? SocketAddress(ipAddress: "192.0.2.7", port: 40_000)

    /// Fifteen fields, a session cookie among them.
    private static let headers: HTTPHeaders = {
        var headers = HTTPHeaders([("Host", "example.test")])
        for number in 0..<13 { headers.add(name: "X-Field-\(number)", value: "value \(number)") }
        headers.add(name: "Cookie", value: "theme=dark; ra_session_id=00112233445566778899aabbccddeeff")
        return headers
    }()
}

/// Takes everything at once.
struct InstantTransport: EventTransport {
    func open() throws(TransportUnavailable) -> any TransportSession {
        ImmediateSession { payload in
            DeliveryCompletion(identifier: payload.identifier, outcome: .delivered, acceptsLines: true)
        }
    }
}
