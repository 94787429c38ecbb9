// Installs the middleware in a closure-based router.

// snippet.hide
import TrackerCore
import TrackerRouterAdapter

/// Stands in for your framework's headers.
struct Headers: Sendable {
    var fields: [(name: String, value: String)] = [("Host", "example.com")]
    subscript(name: String) -> String? { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// Stands in for your framework's request.
final class Request {
    var method = "GET"
    var target = "/hello/world/"
    var headers = Headers()
    var routeName: String? = "hello"
    var peerAddress = "192.0.2.7"
}

/// Stands in for your framework's response.
struct Response: Sendable {
    var status = 200
    var headers: [(name: String, value: String)] = []
}

/// Stands in for your framework's errors.
struct HTTPError: Error {
    var status: Int
}

/// Stands in for your framework's router.
struct Router {
    typealias Handler = (Request) async throws -> Response
    private(set) var middlewares: [@Sendable (Request, Handler) async throws -> Response] = []

    mutating func add(middleware: @escaping @Sendable (Request, Handler) async throws -> Response) {
        middlewares.append(middleware)
    }
}

func serve(_ router: Router) async throws {}
// snippet.show
// snippet.router
try await withTracker(TrackerConfiguration()) { tracker in
    let analytics = AnalyticsMiddleware<Request, Response>(
        tracker: tracker,
        mapping: .init(
            snapshot: { request in
                let headers = request.headers
                return RequestSnapshot(
                    method: request.method, target: request.target, scheme: "https",
                    headers: RequestHeaders(cookie: headers["Cookie"]) { headers.fields },
                    remoteAddress: request.peerAddress)
            },
            viewName: { request in request.routeName },
            status: { response in response.status },
            responseCookies: { response in response.headers.filter { $0.name == "Set-Cookie" }.map(\.value) },
            addCookie: { response, cookie in response.headers.append(("Set-Cookie", cookie)) },
            statusOfError: { error in (error as? HTTPError)?.status }))

    var router = Router()
    router.add(middleware: analytics.middleware)
    try await serve(router)
}
// snippet.end
