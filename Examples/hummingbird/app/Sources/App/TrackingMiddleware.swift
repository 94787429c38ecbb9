import Hummingbird
import NIOHTTP1
import ServiceLifecycle
import TrackerCore

/// Tracks every request. Add it before all other middleware, to record responses as they are sent, and before routes.
struct TrackingMiddleware<Context: RequestContext>: RouterMiddleware {
    let tracker: Tracker
    var scheme = "https"  // What visitors use: Hummingbird can't tell whether a proxy terminates TLS.
    var isForUpgrades = false  // For a router that handles WebSocket upgrades, whose responses are 101 and 400.
    var peer: (@Sendable (Context) -> String?)?  // The socket's address; needed for trusted proxies.
    var session: (@Sendable (Context) -> SessionIdentifier)?  // The app's own, loaded by middleware before this one.
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let event: Interception? =
            if let session {
                tracker.begin(request.snapshot(scheme, peer?(context)), session: session(context))
            } else { tracker.begin(request.snapshot(scheme, peer?(context))) }
        guard let event else { return try await next(request, context) }
        var response: Response
        do {
            do { response = try await next(request, context) } catch let error as any HTTPResponseError {
                response = try error.response(from: request, context: context)  // Later it could not be tracked.
            }
        } catch {
            let isBadRequest = isForUpgrades || error is HTTPParserError  // Such as an upload that breaks off.
            event.finish(status: isBadRequest ? 400 : Task.isCancelled ? 499 : 500, viewName: context.endpointPath)
            throw error
        }
        let (status, path) = (Int(response.status.code), context.endpointPath)
        event.finish(
            status: isForUpgrades ? (status == 200 ? 101 : 400) : status,
            responseCookies: response.headers[values: .setCookie], viewName: path == "NotFound" ? nil : path)
        if let cookie = event.sessionCookie { response.headers.append(.init(name: .setCookie, value: cookie)) }
        return response
    }
}

extension Request {
    /// Outside the generic type, to be specialized. Reads no value twice, because each byte of it is checked.
    fileprivate func snapshot(_ scheme: String, _ peer: String?) -> RequestSnapshot {
        let (head, cookies) = (head, headers[values: .cookie])
        return RequestSnapshot(
            method: head.method.rawValue, target: uri.string, scheme: scheme,
            headers: RequestHeaders(cookie: cookies.count > 1 ? headers[.cookie] : cookies.first) {
                ((head.pseudoHeaderFields.authority == nil ? 0 : -1)..<head.headerFields.count).map { index in
                    if index < 0 { return ("Host", head.authority ?? "") }  // It is not among the fields.
                    let field = head.headerFields[index]
                    return (field.name.rawName, field.name == .cookie && cookies.count == 1 ? cookies[0] : field.value)
                }
            }, remoteAddress: peer)
    }
}

/// Shuts the tracker down after the server has stopped: services shut down in reverse order.
struct TrackerService: Service {
    let tracker: Tracker
    func run() async { await cancelWhenGracefulShutdown { await tracker.run() } }
}
