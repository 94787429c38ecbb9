import TrackerCore

/// A small web application for CGI and FastCGI.
///
///     let app = CGIApp()
///     app.get("/", name: "home") { request in CGIResponse(text: "Home page") }
///     app.run()
///
/// Set it up first, then run it. It is thread-safe.
public final class CGIApp: CGIRouting {
    /// Fires before a request is handled, whatever its response will be.
    public let requestStarted = CGISignal<@Sendable (CGIRequest) -> Void>()
    /// Fires once for each request when the response is ready and not yet sent: receivers may still change it. The
    /// error is the one that a handler threw, if any.
    public let requestFinished = CGISignal<@Sendable (CGIRequest, inout CGIResponse, (any Error)?) -> Void>()
    /// Fires once the client has the whole response, or will never get it: the place for slow work.
    public let responseSent = CGISignal<@Sendable (CGIRequest, CGIResponse) -> Void>()

    /// An immutable copy of what requests need from the app; rebuilt when the app changes.
    final class Snapshot: Sendable {
        let routes: RouteTable
        let beforeRequest: [CGIHandler<CGIResponse?>]
        let errorHandlers: [@Sendable (any Error, CGIRequest) -> CGIResponse?]
        let statusHandlers: [Int: @Sendable (CGIRequest) -> CGIResponse]
        let configuration: CGIAppConfiguration
        let isAsync: Bool

        init(_ setup: Setup) {
            routes = setup.routes
            beforeRequest = setup.beforeRequest
            errorHandlers = setup.errorHandlers
            statusHandlers = setup.statusHandlers
            configuration = setup.configuration
            isAsync = setup.beforeRequest.contains(where: \.isAsync)
        }
    }

    struct Setup: Sendable {
        var routes = RouteTable()
        var beforeRequest: [CGIHandler<CGIResponse?>] = []
        var errorHandlers: [@Sendable (any Error, CGIRequest) -> CGIResponse?] = []
        var statusHandlers: [Int: @Sendable (CGIRequest) -> CGIResponse] = [:]
        var configuration = CGIAppConfiguration()
        var extensions: [String: any Sendable] = [:]
        var shutdownHooks: [@Sendable () -> Void] = []
        var checks: [(name: String, function: @Sendable () -> CGICheckResult)] = []
        var statusReports: [@Sendable () -> String] = []
        var pool: WorkerPool?
        var snapshot: Snapshot?
        var runMode: CGIRunMode?
    }

    private let setup = ThreadLock(Setup())

    /// Creates an app without routes.
    public init() {}

    /// Settings of the app, its runtimes and its extensions.
    public var config: CGIAppConfiguration {
        get { setup.withLock { $0.configuration } }
        set { change { $0.configuration = newValue } }
    }

    /// Installed extensions, by name.
    public var extensions: [String: any Sendable] {
        get { setup.withLock { $0.extensions } }
        set { change { $0.extensions = newValue } }
    }

    /// Adds a route; see `CGIRouting`.
    public func addRoute(
        _ path: String, methods: [String], name: String?, body: CGIBodyPolicy,
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        add(path, methods: methods, name: name, body: body, handler: .sync(handler))
    }

    /// Adds a route with an asynchronous handler; see `CGIRouting`.
    public func addRoute(
        _ path: String, methods: [String], name: String?, body: CGIBodyPolicy,
        asyncHandler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        add(path, methods: methods, name: name, body: body, handler: .async(asyncHandler))
    }

    private func add(
        _ path: String, methods: [String], name: String?, body: CGIBodyPolicy, handler: CGIHandler<CGIResponse>
    ) {
        var methods = methods.map { $0.uppercased() }
        if methods.contains("GET"), !methods.contains("HEAD") { methods.append("HEAD") }
        let route = Route(
            pattern: RoutePattern(path), methods: methods, name: name ?? path, body: body, handler: handler)
        change { $0.routes.add(route) }
    }

    /// Creates a group of routes that share a name prefix and a path prefix.
    public func group(_ name: String, prefix: String = "") -> CGIRouteGroup {
        CGIRouteGroup(parent: self, name: name, prefix: prefix)
    }

    /// Adds a function to call before each request is handled, even if no route matches. The first one that returns a
    /// response ends the request.
    public func beforeRequest(_ function: @escaping @Sendable (CGIRequest) throws -> CGIResponse?) {
        change { $0.beforeRequest.append(.sync(function)) }
    }

    /// Adds an asynchronous function to call before each request is handled, even if no route matches.
    public func beforeRequest(_ function: @escaping @Sendable (CGIRequest) async throws -> CGIResponse?) {
        change { $0.beforeRequest.append(.async(function)) }
    }

    /// Adds a handler for thrown errors. If it returns nil, the next one is tried, and finally an error page is sent.
    public func onError(_ function: @escaping @Sendable (any Error, CGIRequest) -> CGIResponse?) {
        change { $0.errorHandlers.append(function) }
    }

    /// Sets the page for a status that the app itself answers with: 404, 405, 413, 500 and so on.
    public func onStatus(_ status: Int, _ function: @escaping @Sendable (CGIRequest) -> CGIResponse) {
        change { $0.statusHandlers[status] = function }
    }

    /// Adds a function to call at shutdown, once the last request is done or `shutdownTimeout` has passed.
    public func onShutdown(_ function: @escaping @Sendable () -> Void) {
        change { $0.shutdownHooks.append(function) }
    }

    /// Adds to the status line that a FastCGI server logs on SIGUSR2, such as an extension's counts.
    public func onStatusReport(_ function: @escaping @Sendable () -> String) {
        change { $0.statusReports.append(function) }
    }

    /// How the app is run; nil before `run()`, and under a custom server.
    public internal(set) var runMode: CGIRunMode? {
        get { setup.withLock { $0.runMode } }
        set { setup.withLock { $0.runMode = newValue } }
    }

    func runShutdownHooks() {
        for hook in setup.withLock({ $0.shutdownHooks }) { hook() }
    }

    func addCheck(_ name: String, _ function: @escaping @Sendable () -> CGICheckResult) {
        change { $0.checks.append((name, function)) }
    }

    var checks: [(name: String, function: @Sendable () -> CGICheckResult)] { setup.withLock { $0.checks } }

    func writeStatus(_ line: String) {
        let reports = setup.withLock { $0.statusReports }
        config.log(([line] + reports.map { $0() }).joined(separator: "; "))
    }

    /// Threads for synchronous handlers if no FastCGI server provides them; nil if they can't be created.
    var blockingPool: WorkerPool? {
        setup.withLock { setup in
            if let pool = setup.pool { return pool }
            let limits = setup.configuration.fastCGI
            let pool = try? WorkerPool(
                maximumThreads: limits.maximumThreads, maximumWaiting: limits.maximumWaitingRequests,
                log: RateLimitedLog(setup.configuration.log))
            pool?.start()
            setup.pool = pool
            return pool
        }
    }

    var snapshot: Snapshot {
        setup.withLock { setup in
            if let snapshot = setup.snapshot { return snapshot }
            let snapshot = Snapshot(setup)
            setup.snapshot = snapshot
            return snapshot
        }
    }

    private func change(_ body: (inout Setup) -> Void) {
        setup.withLock { setup in
            body(&setup)
            setup.snapshot = nil
        }
    }
}
