import HTTPTypes
import Hummingbird
import ServiceLifecycle
import TrackerCore
import TrackerRouterAdapter

/// Tracks every request. Add it before all other middleware, so that it records responses as they are sent.
struct TrackingMiddleware<Context: RequestContext>: RouterMiddleware {
    private let analytics: AnalyticsMiddleware<(Request, Context), Response>
    private let isForUpgrades: Bool

    /// - Parameters:
    ///   - scheme: the scheme visitors use; Hummingbird can't tell whether a proxy terminates TLS.
    ///   - isForUpgrades: whether the router handles WebSocket upgrades, whose responses are 101 and 400.
    ///   - peer: returns the socket's address, such as `{ $0.channel.remoteAddress?.ipAddress }`; for trusted proxies.
    init(
        _ tracker: Tracker, scheme: String = "https", isForUpgrades: Bool = false,
        peer: @escaping @Sendable (Context) -> String? = { _ in nil }
    ) {
        self.isForUpgrades = isForUpgrades
        analytics = .init(
            tracker: tracker,
            mapping: .init(
                snapshot: { request, context in
                    let head = request.head
                    return RequestSnapshot(
                        method: head.method.rawValue, target: head.path ?? "/", scheme: scheme, host: head.authority,
                        headers: RequestHeaders(host: head.authority, cookie: head.headerFields[.cookie]) {
                            [("Host", head.authority ?? "")] + head.headerFields.map { ($0.name.rawName, $0.value) }
                        }, remoteAddress: peer(context))
                },
                viewName: { _, context in context.endpointPath == "NotFound" ? nil : context.endpointPath },
                status: { response in Int(response.status.code) },
                responseCookies: { response in response.headers[values: .setCookie] },
                addCookie: { $0.headers.append(HTTPField(name: .setCookie, value: $1)) },
                statusOfError: { error in (error as? any HTTPResponseError).map { Int($0.status.code) } },
                responseForError: { try ($0 as? any HTTPResponseError)?.response(from: $1.0, context: $1.1) }))
    }

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard isForUpgrades else { return try await analytics.handle(request, context: context, next: next) }
        // The server responds with 400 to requests that are not upgraded.
        var status = 400
        let interception = analytics.tracker.begin(analytics.mapping.snapshot((request, context)))
        defer { interception?.finish(status: status, viewName: analytics.mapping.viewName((request, context))) }
        var response = try await next(request, context)
        guard response.status == .ok else { return response }
        status = 101
        if let cookie = interception?.sessionCookie { analytics.mapping.addCookie(&response, cookie) }
        return response
    }
}

/// Shuts the tracker down after the server has stopped: services shut down in reverse order.
struct TrackerService: Service {
    let tracker: Tracker
    func run() async { await cancelWhenGracefulShutdown { await tracker.run() } }
}
