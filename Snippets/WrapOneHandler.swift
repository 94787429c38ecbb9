// Smaller ways to track than a whole router.

// snippet.hide
import TrackerCore
import TrackerRouterAdapter

struct Request: Sendable { var path = "/" }
struct Response: Sendable {
    var status = 200
    var cookies: [String] = []
}
struct Missing: Error {}

let tracker = Tracker(configuration: try .fromEnvironment())
// snippet.show
// snippet.mapping
var mapping = AnalyticsMapping<Request, Response>(
    snapshot: { request in RequestSnapshot(method: "GET", target: request.path, headers: RequestHeaders([])) },
    viewName: { _ in "report" },
    status: { response in response.status },
    responseCookies: { response in response.cookies },
    addCookie: { response, cookie in response.cookies.append(cookie) })
mapping.statusOfError = { error in error is Missing ? 404 : nil }
// snippet.end

// snippet.session
mapping.session = { request in SessionIdentifier("0b66c26a1f4c4f418e8f0afcbc22d24b") }
mapping.storeSession = { request, session in print("a new session:", session) }
// snippet.end

let analytics = AnalyticsMiddleware(tracker: tracker, mapping: mapping)

// snippet.wrap
let report = analytics.wrap { (request: Request) async throws -> Response in
    Response(status: 200)
}
print(try await report(Request()).status)
// snippet.end

// snippet.type
/// For a framework whose middleware is a protocol.
struct TrackingMiddleware: Sendable {
    let analytics: AnalyticsMiddleware<Request, Response>

    func respond(to request: Request, next: (Request) async throws -> Response) async throws -> Response {
        try await analytics.handle(request, next: next)
    }
}
// snippet.end
