import Hummingbird
import ServiceLifecycle
import TrackerCore
import TrackerRouterAdapter

/// Tracks every request. Add it before all other middleware, so that it records responses as they are sent.
struct TrackingMiddleware<Context: RequestContext>: RouterMiddleware {
    private let analytics: AnalyticsMiddleware<TrackedCall, Response>
    private let peer: @Sendable (Context) -> String?

    /// - Parameter scheme: the scheme visitors use; Hummingbird can't tell whether a proxy terminates TLS.
    /// - Parameter isForUpgrades: whether the router handles WebSocket upgrades, whose responses are 101 and 400.
    /// - Parameter peer: the socket's address, such as `{ $0.channel.remoteAddress?.ipAddress }`; for trusted proxies.
    init(
        _ tracker: Tracker, scheme: String = "https", isForUpgrades: Bool = false,
        peer: @escaping @Sendable (Context) -> String? = { _ in nil }
    ) {
        self.peer = peer
        let mapping = AnalyticsMapping<TrackedCall, Response>(
            snapshot: { call in
                let (head, host, fields) = (call.head, call.head.authority, call.head.headerFields)
                let cookies = fields[values: .cookie]
                return RequestSnapshot(
                    method: head.method.rawValue, target: head.path ?? "/", scheme: scheme, host: host,
                    headers: RequestHeaders(host: host, cookie: cookies.count > 1 ? fields[.cookie] : cookies.first) {
                        [("Host", host ?? "")] + fields.map { ($0.name.rawName, $0.value) }
                    }, remoteAddress: call.peer)
            }, viewName: { $0.endpoint.value == "NotFound" ? nil : $0.endpoint.value },
            status: { isForUpgrades ? ($0.status == .ok ? 101 : 400) : Int($0.status.code) },
            responseCookies: { $0.headers[values: .setCookie] },
            addCookie: { $0.headers[values: .setCookie].append($1) }, statusOfError: { _ in isForUpgrades ? 400 : nil })
        analytics = AnalyticsMiddleware(tracker: tracker, mapping: mapping)
    }

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let call = TrackedCall(head: request.head, peer: peer(context), endpoint: context.coreContext.endpointPath)
        return try await analytics.handle(call) { _ in
            do { return try await next(request, context) } catch let error as any HTTPResponseError {
                // Hummingbird does this later, when no status can be recorded and no session cookie be added.
                guard let response = try? error.response(from: request, context: context) else { throw error }
                return response
            }
        }
    }
}

/// What an event needs of a request. Not generic: the compiler specializes what runs for each request.
private struct TrackedCall: Sendable {
    let head: HTTPRequest
    let peer: String?
    let endpoint: EndpointPath
}

/// Shuts the tracker down after the server has stopped: services shut down in reverse order.
struct TrackerService: Service {
    let tracker: Tracker
    func run() async { await cancelWhenGracefulShutdown { await tracker.run() } }
}
