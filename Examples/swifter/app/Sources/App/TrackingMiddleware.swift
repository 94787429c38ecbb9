import Dispatch
@preconcurrency import Swifter
import TrackerCore
import TrackerRouterAdapter

/// Tracks the handlers it wraps, because Swifter has no hook that sees all requests and their responses:
///
///     server["/hello/:name"] = track("/hello/:name") { request in … }
///     server.notFoundHandler = track(nil) { _ in .notFound }
struct TrackingMiddleware: Sendable {
    private let analytics: AnalyticsMiddleware<(HttpRequest, route: String?), HttpResponse>
    private let running = DispatchGroup()

    /// - Parameter scheme: the scheme visitors use; Swifter can't tell whether a proxy terminates TLS.
    init(tracker: Tracker, scheme: String = "https") {
        let mapping = AnalyticsMapping<(HttpRequest, route: String?), HttpResponse>(
            snapshot: { request, _ in
                let (headers, path) = (request.headers, request.path.isEmpty ? "/" : request.path)
                // Swifter splits path and query, and leaves both percent-encoded as sent.
                let query = request.queryParams.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
                return RequestSnapshot(
                    method: request.method, target: path + (query.isEmpty ? "" : "?\(query)"), scheme: scheme,
                    headers: RequestHeaders(cookie: headers["cookie"]) { headers.map { ($0.key, $0.value) } },
                    remoteAddress: request.address)
            }, viewName: { $0.route }, status: { $0.statusCode },
            responseCookies: { response in response.headers()["Set-Cookie"].map { [$0] } ?? [] },
            addCookie: { $0 = Self.adding($1, to: $0) }, statusOfError: { _ in nil })
        analytics = .init(tracker: tracker, mapping: mapping)
    }

    func callAsFunction(
        _ route: String?, _ handler: @escaping @Sendable (HttpRequest) -> HttpResponse
    ) -> (HttpRequest) -> HttpResponse {
        let tracked = analytics.wrap { (asked: (HttpRequest, route: String?)) in handler(asked.0) }
        return { request in
            running.enter()
            defer { running.leave() }
            return tracked((request, route))
        }
    }

    /// Waits until no handler runs, for up to 10 s. `HttpServer.stop()` does not, and their events would be lost.
    func finish() { _ = running.wait(timeout: .now() + 10) }

    /// Adds the cookie where possible: Swifter has room for one, and keeps some bodies private. Else the next response.
    private static func adding(_ cookie: String, to response: HttpResponse) -> HttpResponse {
        var headers = response.headers()
        guard headers.updateValue(cookie, forKey: "Set-Cookie") == nil else { return response }
        return switch response {
        case .switchProtocols(_, let session): .switchProtocols(headers, session)
        case .raw(let status, let phrase, _, let body): .raw(status, phrase, headers, body)
        case .ok(.text(let text)), .ok(.html(let text)): .raw(200, "OK", headers) { try $0.write(Array(text.utf8)) }
        case .ok(.htmlBody(let text)):
            adding(cookie, to: .ok(.html("<html><meta charset=\"UTF-8\"><body>\(text)</body></html>")))
        case .ok(.data(let data, _)): .raw(200, "OK", headers) { try $0.write(data) }
        case .ok, .badRequest: response
        default: .raw(response.statusCode, response.reasonPhrase, headers, nil)
        }
    }
}
