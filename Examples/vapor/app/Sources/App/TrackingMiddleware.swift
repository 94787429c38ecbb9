import Synchronization
import TrackerCore
import TrackerRouterAdapter
import Vapor

/// Tracks every request.
///
/// Install it with `app.middleware.use(TrackingMiddleware(tracker: tracker), at: .beginning)`: outside Vapor's
/// `ErrorMiddleware`, so that it sees errors as the responses that visitors get.
struct TrackingMiddleware: AsyncMiddleware {
    private let analytics: AnalyticsMiddleware<Request, Response>

    /// - Parameter scheme: the scheme visitors use; Vapor can't tell whether a proxy terminates TLS.
    /// - Parameter session: the visitor's id in the app's own sessions, loaded by middleware before this one.
    init(tracker: Tracker, scheme: String = "https", session: (@Sendable (Request) -> SessionIdentifier)? = nil) {
        let names = RouteNames()
        let isBehindProxy = tracker.configuration.trustedProxies != .none
        analytics = .init(
            tracker: tracker,
            mapping: .init(
                snapshot: { request in
                    let (headers, url) = (request.headers, request.url)
                    // HTTP/2 splits the field (RFC 9113, section 8.2.3).
                    let cookies = headers[.cookie]
                    let cookie = cookies.count > 1 ? cookies.joined(separator: "; ") : cookies.first
                    return RequestSnapshot(
                        method: request.method.rawValue, target: { url.string }, scheme: scheme,
                        headers: RequestHeaders(cookie: cookie) { headers.map { ($0.name, $0.value) } },
                        // Not `peerAddress`, which trusts any client's `Forwarded` header.
                        remoteAddress: isBehindProxy ? request.remoteAddress?.ipAddress : nil)
                },
                viewName: { request in request.route.map { names.name(of: $0) } },
                status: { response in Int(response.status.code) },
                responseCookies: { response in response.headers[.setCookie] },
                addCookie: { response, cookie in response.headers.add(name: .setCookie, value: cookie) },
                statusOfError: { error in (error as? any AbortError).map { Int($0.status.code) } },
                sessionStore: session.map { session in .init(load: { session($0) }, store: { _, _ in }) }))
    }

    func respond(to request: Request, chainingTo next: any AsyncResponder) async throws -> Response {
        try await analytics.handle(request) { try await next.respond(to: $0) }
    }
}

/// Caches each route's path as registered, such as `/hello/:name`.
private final class RouteNames: Sendable {
    private let names = Mutex<[ObjectIdentifier: String]>([:])

    func name(of route: Route) -> String {
        names.withLock { names in
            if let name = names[ObjectIdentifier(route)] { return name }
            let name = "/" + route.path.map(\.description).joined(separator: "/")
            names[ObjectIdentifier(route)] = name
            return name
        }
    }
}
