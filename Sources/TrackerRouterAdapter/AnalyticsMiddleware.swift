import TrackerCore

/// Middleware that tracks every request of a router: one event for each, whatever its outcome.
///
///     let analytics = AnalyticsMiddleware(tracker: tracker, mapping: mapping)
///     router.add(middleware: analytics.middleware)
///
/// It depends on no framework. A request may be any type, including a reference that is not `Sendable` or a tuple of
/// request and context; it never leaves the task that serves it. The code that runs per request is inlinable, so that
/// the compiler specializes it for the app's types.
public struct AnalyticsMiddleware<Request, Response>: Sendable {
    /// The closures that read the router's types.
    public typealias Mapping = AnalyticsMapping<Request, Response>

    /// The tracker that receives the events.
    public let tracker: Tracker
    /// How to read requests and responses.
    public let mapping: Mapping

    /// Creates middleware for a router's types.
    ///
    /// - Parameters:
    ///   - tracker: shared by all middleware of the process.
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
    /// A thrown error is recorded with its status and rethrown unchanged, unless the mapping's `responseForError`
    /// returns a response.
    ///
    /// - Parameters:
    ///   - request: passed to `next` unchanged.
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

    /// Serves and tracks a request in a framework whose middleware also gets a context, such as Hummingbird's.
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
    ///   - request: passed to `next` unchanged.
    ///   - context: likewise. The mapping's closures get both, as a tuple.
    ///   - next: the rest of the chain.
    @inlinable
    public func handle<Input, Context>(
        _ request: Input, context: Context, next: (Input, Context) async throws -> Response
    ) async throws -> Response where Request == (Input, Context) {
        try await handle((request, context)) { try await next($0.0, $0.1) }
    }

    /// Wraps one handler to track its requests; errors are handled as in ``handle(_:next:)``.
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

    /// Wraps one synchronous handler to track its requests; errors are handled as in ``handle(_:next:)``.
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

    // The two above would suffice, with `Never` as the error, but converting such a function to a nonthrowing one
    // crashes the compiler (Swift 6.3).

    /// Wraps one nonthrowing handler to track its requests.
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

    /// Wraps one synchronous, nonthrowing handler to track its requests, for frameworks whose handlers can't throw.
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
    /// - Returns: the response to it, if the mapping has one.
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
