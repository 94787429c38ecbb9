// Tracks single handlers instead of a whole router.

// snippet.hide
import TrackerCore
import TrackerRouterAdapter

struct Request: Sendable { var path = "/" }
struct Response: Sendable {
    var status = 200
    var cookies: [String] = []
}
struct Missing: Error {}
/// Stands in for your app's own sessions.
enum Sessions {
    static func value(of request: Request) -> String? { nil }
    static func set(_ value: String, for request: Request) {}
}

let tracker = try Tracker(configuration: TrackerConfiguration())
// snippet.show
// snippet.mapping
var mapping = AnalyticsMapping<Request, Response>(
    snapshot: { request in
        RequestSnapshot(
            method: "GET", target: request.path,
            headers: RequestHeaders(cookie: nil) { [("Host", "example.com")] })
    },
    viewName: { _ in "report" },
    status: { response in response.status },
    responseCookies: { response in response.cookies },
    addCookie: { response, cookie in response.cookies.append(cookie) },
    statusOfError: { error in error is Missing ? 404 : nil })
// snippet.end

// snippet.error
mapping.responseForError = { error, request in error is Missing ? Response(status: 404) : nil }
// snippet.end

// snippet.session
mapping.sessionStore = .init(
    load: { request in Sessions.value(of: request).flatMap { SessionIdentifier($0) } },
    store: { request, session in Sessions.set(session.description, for: request) })
// snippet.end

let analytics = AnalyticsMiddleware(tracker: tracker, mapping: mapping)

// snippet.wrap
let report = analytics.wrap { (request: Request) async -> Response in
    Response(status: 200)
}
print(await report(Request()).status)
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
