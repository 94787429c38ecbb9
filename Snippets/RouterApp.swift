// How a closure-based router gets its events.

// snippet.hide
import TrackerCore
import TrackerRouterAdapter

/// Stands for your framework's request.
final class Request {
    var method = "GET"
    var target = "/hello/world/"
    var headers: [(name: String, value: String)] = [("Host", "example.com")]
    var routeName: String? = "hello"
    var peerAddress = "192.0.2.7"
}

/// Stands for your framework's response.
struct Response: Sendable {
    var status = 200
    var headers: [(name: String, value: String)] = []
}

/// Stands for your framework's router.
struct Router {
    typealias Handler = (Request) async throws -> Response
    private(set) var middlewares: [@Sendable (Request, Handler) async throws -> Response] = []

    mutating func add(middleware: @escaping @Sendable (Request, Handler) async throws -> Response) {
        middlewares.append(middleware)
    }
}

var router = Router()
// snippet.show
// snippet.router
let tracker = Tracker(configuration: try .fromEnvironment())

let analytics = AnalyticsMiddleware<Request, Response>(
    tracker: tracker,
    mapping: .init(
        snapshot: { request in
            RequestSnapshot(
                method: request.method, target: request.target, headers: RequestHeaders(request.headers),
                remoteAddress: request.peerAddress)
        },
        viewName: { request in request.routeName },
        status: { response in response.status },
        responseCookies: { response in response.headers.filter { $0.name == "Set-Cookie" }.map(\.value) },
        addCookie: { response, cookie in response.headers.append(("Set-Cookie", cookie)) }))

router.add(middleware: analytics.middleware)
// … serve requests; and once, when the server has stopped:
tracker.shutdown()
// snippet.end
