/// A type that routes can be added to: an app or a route group.
///
///     app.get("/hello/:name", name: "hello") { request in
///         CGIResponse(text: "Hello, \(request.parameter("name") ?? "world")!")
///     }
///
/// In every path, `:name` matches one segment and a `*` at the end matches the rest, which may be empty. A route's name
/// (Flask's endpoint) is its path unless `name` is given. `GET` includes `HEAD`, and every route answers `OPTIONS`.
///
/// - Precondition: A path begins with a slash, and a `*` is its last segment. Routes are part of the program, so a
///   mistake in one ends it at start.
public protocol CGIRouting: Sendable {
    /// Adds a route. The methods below call it.
    func addRoute(
        _ path: String, methods: [String], name: String?, body: CGIBodyPolicy,
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse)
    /// Adds a route with an asynchronous handler.
    func addRoute(
        _ path: String, methods: [String], name: String?, body: CGIBodyPolicy,
        asyncHandler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse)
}

extension CGIRouting {
    /// Adds a route for the given methods.
    public func route(
        _ path: String, methods: [String] = ["GET"], name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: methods, name: name, body: body, handler: handler)
    }

    /// Adds a route with an asynchronous handler for the given methods.
    public func route(
        _ path: String, methods: [String] = ["GET"], name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: methods, name: name, body: body, asyncHandler: handler)
    }

    /// Adds a route for GET and HEAD.
    public func get(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["GET"], name: name, body: body, handler: handler)
    }

    /// Adds a route with an asynchronous handler for GET and HEAD.
    public func get(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["GET"], name: name, body: body, asyncHandler: handler)
    }

    /// Adds a route for POST.
    public func post(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["POST"], name: name, body: body, handler: handler)
    }

    /// Adds a route with an asynchronous handler for POST.
    public func post(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["POST"], name: name, body: body, asyncHandler: handler)
    }

    /// Adds a route for PUT.
    public func put(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["PUT"], name: name, body: body, handler: handler)
    }

    /// Adds a route with an asynchronous handler for PUT.
    public func put(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["PUT"], name: name, body: body, asyncHandler: handler)
    }

    /// Adds a route for PATCH.
    public func patch(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["PATCH"], name: name, body: body, handler: handler)
    }

    /// Adds a route with an asynchronous handler for PATCH.
    public func patch(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["PATCH"], name: name, body: body, asyncHandler: handler)
    }

    /// Adds a route for DELETE.
    public func delete(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["DELETE"], name: name, body: body, handler: handler)
    }

    /// Adds a route with an asynchronous handler for DELETE.
    public func delete(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["DELETE"], name: name, body: body, asyncHandler: handler)
    }
}

/// A group of routes that share a path prefix and a name prefix (Flask's blueprint): the route "inner" of the group
/// "bp" is named "bp.inner".
public struct CGIRouteGroup: CGIRouting {
    let parent: any CGIRouting
    /// The prefix of the routes' names, without the dot.
    public let name: String
    /// The prefix of the routes' paths.
    public let prefix: String

    /// Adds a route; see `CGIRouting`.
    public func addRoute(
        _ path: String, methods: [String], name: String?, body: CGIBodyPolicy,
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        parent.addRoute(prefix + path, methods: methods, name: qualified(name, path), body: body, handler: handler)
    }

    /// Adds a route with an asynchronous handler; see `CGIRouting`.
    public func addRoute(
        _ path: String, methods: [String], name: String?, body: CGIBodyPolicy,
        asyncHandler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        parent.addRoute(
            prefix + path, methods: methods, name: qualified(name, path), body: body, asyncHandler: asyncHandler)
    }

    /// Creates a group inside this one.
    public func group(_ name: String, prefix: String = "") -> CGIRouteGroup {
        CGIRouteGroup(parent: self, name: name, prefix: prefix)
    }

    private func qualified(_ name: String?, _ path: String) -> String {
        "\(self.name).\(name ?? path)"
    }
}

/// A function that answers a request, or runs before it is answered: synchronous or asynchronous.
enum CGIHandler<Result: Sendable>: Sendable {
    case sync(@Sendable (CGIRequest) throws -> Result)
    case async(@Sendable (CGIRequest) async throws -> Result)

    var isAsync: Bool {
        switch self {
        case .sync: false
        case .async: true
        }
    }
}

/// How a route receives the body of a request.
public enum CGIBodyPolicy: Sendable, Equatable {
    /// Collected before the handler runs (under CGI: on first use). Longer bodies get a 413.
    ///
    /// - `upTo`: the most bytes; nil is the app's `maximumBodyBytes`.
    case collected(upTo: Int? = nil)
    /// Read as it arrives, through `CGIRequest.bodyStream`; a slow reader slows the sender. Longer bodies get a 413, or
    /// fail while they are read if their length was not announced.
    ///
    /// - Important: Read the body before you write: nginx stops sending it once it has the headers of the response.
    case streamed(upTo: Int = .max)

    func maximumBytes(default maximum: Int) -> Int {
        switch self {
        case .collected(let own): own ?? maximum
        case .streamed(let own): own
        }
    }
}
