import TrackerCore

/// Tracks every request of a router: one event for each, whatever becomes of it.
///
/// It knows no framework. A request may be any type, a reference that is not `Sendable` or a tuple of request and
/// context included; it never leaves the task that serves it. What runs for each request can be inlined, so that the
/// compiler makes it for the app's own types.
public struct AnalyticsMiddleware<Request, Response>: Sendable {
    /// What the middleware has to know of the router's types.
    public typealias Mapping = AnalyticsMapping<Request, Response>

    /// Where events go.
    public let tracker: Tracker
    /// How requests and responses are read.
    public let mapping: Mapping

    /// - Parameters:
    ///   - tracker: shared by all middlewares of the process.
    ///   - mapping: how to read the router's types.
    public init(tracker: Tracker, mapping: Mapping) {
        self.tracker = tracker
        self.mapping = mapping
    }

    /// The middleware as a closure, for routers that take one.
    @inlinable public var middleware: @Sendable (Request, (Request) async throws -> Response) async throws -> Response {
        { request, next in try await handle(request, next: next) }
    }

    /// Serves a request with `next` and tracks it.
    ///
    /// A thrown error is recorded with its status and thrown on, untouched.
    ///
    /// - Parameters:
    ///   - request: handed to `next` as it is.
    ///   - next: the rest of the chain.
    @inlinable
    public func handle(
        _ request: Request, next: (Request) async throws -> Response
    ) async throws -> Response {
        guard let interception = begin(request) else { return try await next(request) }
        do {
            var response = try await next(request)
            finish(interception, request, &response)
            return response
        } catch {
            finish(interception, request, error)
            throw error
        }
    }

    /// Tracks one handler.
    @inlinable
    public func wrap(
        _ handler: @escaping @Sendable (Request) async throws -> Response
    ) -> @Sendable (Request) async throws -> Response {
        { request in try await handle(request, next: handler) }
    }

    /// Tracks one synchronous handler.
    @inlinable
    public func wrap(
        _ handler: @escaping @Sendable (Request) throws -> Response
    ) -> @Sendable (Request) throws -> Response {
        { request in
            guard let interception = begin(request) else { return try handler(request) }
            do {
                var response = try handler(request)
                finish(interception, request, &response)
                return response
            } catch {
                finish(interception, request, error)
                throw error
            }
        }
    }

    @inlinable
    func begin(_ request: Request) -> Interception? {
        let interception = tracker.begin(
            mapping.snapshot(request), session: tracker.isEnabled ? mapping.session?(request) : nil)
        if let interception, interception.isNewSession, mapping.session != nil {
            mapping.storeSession(request, interception.session)
        }
        return interception
    }

    @inlinable
    func finish(_ interception: Interception, _ request: Request, _ response: inout Response) {
        interception.finish(
            status: mapping.status(response), responseCookies: mapping.responseCookies(response),
            viewName: mapping.viewName(request))
        if mapping.session == nil, let cookie = interception.sessionCookie {
            mapping.addCookie(&response, cookie)
        }
    }

    @inlinable
    func finish(_ interception: Interception, _ request: Request, _ error: any Error) {
        let status = mapping.statusOfError(error) ?? (error is CancellationError ? 499 : 500)
        interception.finish(status: status, viewName: mapping.viewName(request))
    }
}
