import Hummingbird
import ServiceLifecycle
import TrackerCore
import TrackerRouterAdapter

/// Tracks every request. Add it before all other middleware, so that it records responses as they are sent.
struct TrackingMiddleware<Context: RequestContext>: RouterMiddleware {
    private let analytics: AnalyticsMiddleware<TrackedCall, Response>
    private let visitor: @Sendable (Context) -> (peer: String?, session: (() -> SessionIdentifier)?)
    /// - Parameter scheme: the scheme visitors use; Hummingbird can't tell whether a proxy terminates TLS.
    /// - Parameter isForUpgrades: whether the router handles WebSocket upgrades, whose responses are 101 and 400.
    /// - Parameter peer: the socket's address, such as `{ $0.channel.remoteAddress?.ipAddress }`; for trusted proxies.
    /// - Parameter session: the visitor's id in the app's own sessions, loaded by middleware before this one.
    init(
        _ tracker: Tracker, scheme: String = "https", isForUpgrades: Bool = false,
        peer: (@Sendable (Context) -> String?)? = nil, session: (@Sendable (Context) -> SessionIdentifier)? = nil
    ) {
        visitor = { context in (peer?(context), session.map { session in { session(context) } }) }
        let mapping = AnalyticsMapping<TrackedCall, Response>(
            snapshot: { call in
                let (head, host, fields) = (call.head, call.head.authority, call.head.headerFields)
                let cookies = fields[values: .cookie]
                return RequestSnapshot(
                    method: head.method.rawValue, target: head.path ?? "/", scheme: scheme, host: host,
                    headers: RequestHeaders(host: host, cookie: cookies.count > 1 ? fields[.cookie] : cookies.first) {
                        [("Host", host ?? "")] + fields.map { ($0.name.rawName, $0.value) }
                    }, remoteAddress: call.visitor.peer)
            }, viewName: { $0.path.value == "NotFound" ? nil : $0.path.value },
            status: { isForUpgrades ? ($0.status == .ok ? 101 : 400) : Int($0.status.code) },
            responseCookies: { $0.headers[values: .setCookie] },
            addCookie: { $0.headers.append(.init(name: .setCookie, value: $1)) },
            statusOfError: { _ in isForUpgrades ? 400 : nil },
            sessionStore: session.map { _ in .init(load: { $0.visitor.session?() }, store: { _, _ in }) })
        analytics = .init(tracker: tracker, mapping: mapping)
    }

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let call = TrackedCall(head: request.head, path: context.coreContext.endpointPath, visitor: visitor(context))
        return try await analytics.handle(call) { _ in
            do { return try await next(request, context) } catch let error as any HTTPResponseError {
                return try error.response(from: request, context: context)  // Later it could not be tracked.
            }
        }
    }
}

/// What an event needs of a request. Not generic: the compiler specializes what runs for each request.
private struct TrackedCall {
    let head: HTTPRequest
    let path: EndpointPath
    let visitor: (peer: String?, session: (() -> SessionIdentifier)?)
}

/// Shuts the tracker down after the server has stopped: services shut down in reverse order.
struct TrackerService: Service {
    let tracker: Tracker
    func run() async { await cancelWhenGracefulShutdown { await tracker.run() } }
}
