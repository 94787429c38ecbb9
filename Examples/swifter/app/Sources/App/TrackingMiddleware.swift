@preconcurrency import Swifter
import TrackerCore
import TrackerRouterAdapter

/// Tracks the handlers it wraps, because Swifter has no hook that sees all requests and their responses:
///
///     server["/hello/:name"] = track("/hello/:name") { request in … }
///     server.notFoundHandler = track(nil) { _ in .notFound }
struct TrackingMiddleware: Sendable {
    private let analytics: AnalyticsMiddleware<(HttpRequest, route: String?), HttpResponse>

    /// - Parameter scheme: the scheme visitors use; Swifter can't tell whether a proxy terminates TLS.
    init(_ tracker: Tracker, scheme: String = "https") {
        analytics = .init(
            tracker: tracker,
            mapping: .init(
                snapshot: { request, _ in
                    let headers = request.headers
                    // Swifter splits path and query, and leaves both percent-encoded as sent.
                    let query = request.queryParams.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
                    let path = request.path.isEmpty ? "/" : request.path
                    return RequestSnapshot(
                        method: request.method, target: query.isEmpty ? path : "\(path)?\(query)", scheme: scheme,
                        host: headers["host"],
                        headers: RequestHeaders(host: headers["host"], cookie: headers["cookie"]) {
                            headers.map { ($0.key, $0.value) }
                        }, remoteAddress: request.address)
                },
                viewName: { asked in asked.route },
                status: { response in response.statusCode },
                responseCookies: { response in response.headers()["Set-Cookie"].map { [$0] } ?? [] },
                addCookie: { response, cookie in response = Self.adding(cookie, to: response) },
                statusOfError: { _ in nil }))
    }

    func callAsFunction(
        _ route: String?, _ handler: @escaping @Sendable (HttpRequest) -> HttpResponse
    ) -> (HttpRequest) -> HttpResponse {
        let tracked = analytics.wrap { (asked: (HttpRequest, route: String?)) in handler(asked.0) }
        return { request in tracked((request, route)) }
    }

    /// Adds the cookie where possible: Swifter has room for one `Set-Cookie`, and keeps most bodies private. Otherwise
    /// the next response sets it.
    private static func adding(_ cookie: String, to response: HttpResponse) -> HttpResponse {
        var headers = response.headers()
        guard headers.updateValue(cookie, forKey: "Set-Cookie") == nil else { return response }
        switch response {
        case .switchProtocols(_, let session): return .switchProtocols(headers, session)
        case .raw(let status, let phrase, _, let body): return .raw(status, phrase, headers, body)
        case .ok(.text(let text)): return .raw(200, "OK", headers) { try $0.write(Array(text.utf8)) }
        case .ok(.data(let data, _)): return .raw(200, "OK", headers) { try $0.write(data) }
        case .ok, .badRequest: return response
        default: return .raw(response.statusCode, response.reasonPhrase, headers, nil)
        }
    }
}
