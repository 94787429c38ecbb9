import HTTPTypes
import Hummingbird
import ServiceLifecycle
import TrackerCore
import TrackerRouterAdapter

/// Tracks every request. Add it before all other middlewares, so that what they answer is recorded as it is sent.
struct TrackingMiddleware<Context: RequestContext>: RouterMiddleware {
    private let analytics: AnalyticsMiddleware<(Request, Context), Response>
    private let isForUpgrades: Bool

    /// - Parameters:
    ///   - scheme: how visitors come; Hummingbird does not know where a proxy ends TLS.
    ///   - isForUpgrades: whether it is in a router of WebSocket upgrades, whose answers are 101 and 400.
    ///   - peer: the socket's address, such as `{ $0.channel.remoteAddress?.ipAddress }`; for trusted proxies.
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
        // What is not upgraded, the server answers with 400.
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

/// Delivers what is left when the server has stopped: services end in the reverse of their order.
struct TrackerService: Service {
    let tracker: Tracker
    func run() async { await cancelWhenGracefulShutdown { await tracker.run() } }
}
