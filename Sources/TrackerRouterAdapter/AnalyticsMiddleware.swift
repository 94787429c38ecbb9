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
    /// A thrown error is recorded with its status and thrown on, untouched, unless the mapping's `responseForError` has
    /// an answer.
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
            guard let response = answer(interception, request, error) else { throw error }
            return response
        }
    }

    /// Serves a request of a framework whose middlewares also have a context, such as Hummingbird's, and tracks it.
    ///
    ///     struct TrackingMiddleware<Context: RequestContext>: RouterMiddleware {
    ///         let analytics: AnalyticsMiddleware<(Request, Context), Response>
    ///         func handle(
    ///             _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ///         ) async throws -> Response {
    ///             try await analytics.handle(request, context: context, next: next)
    ///         }
    ///     }
    ///
    /// - Parameters:
    ///   - request: handed to `next` as it is.
    ///   - context: likewise. The mapping's closures get both, as a pair.
    ///   - next: the rest of the chain.
    @inlinable
    public func handle<Input, Context>(
        _ request: Input, context: Context, next: (Input, Context) async throws -> Response
    ) async throws -> Response where Request == (Input, Context) {
        try await handle((request, context)) { try await next($0.0, $0.1) }
    }

    /// Tracks one handler. What it throws, the wrapped one throws.
    @inlinable
    public func wrap<Failure: Error>(
        _ handler: @escaping @Sendable (Request) async throws(Failure) -> Response
    ) -> @Sendable (Request) async throws(Failure) -> Response {
        { request async throws(Failure) in
            guard let interception = begin(request) else { return try await handler(request) }
            do throws(Failure) {
                var response = try await handler(request)
                finish(interception, request, &response)
                return response
            } catch {
                guard let response = answer(interception, request, error) else { throw error }
                return response
            }
        }
    }

    /// Tracks one synchronous handler. What it throws, the wrapped one throws.
    @inlinable
    public func wrap<Failure: Error>(
        _ handler: @escaping @Sendable (Request) throws(Failure) -> Response
    ) -> @Sendable (Request) throws(Failure) -> Response {
        { request throws(Failure) in
            guard let interception = begin(request) else { return try handler(request) }
            do throws(Failure) {
                var response = try handler(request)
                finish(interception, request, &response)
                return response
            } catch {
                guard let response = answer(interception, request, error) else { throw error }
                return response
            }
        }
    }

    // The two above would do, with `Never` for what is thrown; but to make such a function one that throws nothing
    // crashes the compiler (Swift 6.3).

    /// Tracks one handler that throws nothing.
    @inlinable
    public func wrap(
        _ handler: @escaping @Sendable (Request) async -> Response
    ) -> @Sendable (Request) async -> Response {
        { request in
            guard let interception = begin(request) else { return await handler(request) }
            var response = await handler(request)
            finish(interception, request, &response)
            return response
        }
    }

    /// Tracks one synchronous handler that throws nothing, for frameworks whose handlers can't.
    @inlinable
    public func wrap(
        _ handler: @escaping @Sendable (Request) -> Response
    ) -> @Sendable (Request) -> Response {
        { request in
            guard let interception = begin(request) else { return handler(request) }
            var response = handler(request)
            finish(interception, request, &response)
            return response
        }
    }

    @inlinable
    func begin(_ request: Request) -> Interception? {
        guard let store = mapping.sessionStore else { return tracker.begin(mapping.snapshot(request)) }
        let interception = tracker.begin(mapping.snapshot(request), session: store.load(request))
        if let interception, interception.isNewSession { store.store(request, interception.session) }
        return interception
    }

    @inlinable
    func finish(_ interception: Interception, _ request: Request, _ response: inout Response) {
        interception.finish(
            status: mapping.status(response), responseCookies: mapping.responseCookies(response),
            viewName: mapping.viewName(request))
        if let cookie = interception.sessionCookie { mapping.addCookie(&response, cookie) }
    }

    /// Records an error.
    ///
    /// - Returns: the answer to it, if the mapping has one.
    @usableFromInline
    func answer(_ interception: Interception, _ request: Request, _ error: any Error) -> Response? {
        if let respond = mapping.responseForError, var response = try? respond(error, request) {
            finish(interception, request, &response)
            return response
        }
        let status = mapping.statusOfError(error) ?? (error is CancellationError ? 499 : 500)
        interception.finish(status: status, viewName: mapping.viewName(request))
        return nil
    }
}
