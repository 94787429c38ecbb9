/// What routes can be added to: an app, or a group of its routes.
public protocol CGIRouting: Sendable {
    /// Adds a route; what the methods below end in.
    func addRoute(
        _ path: String, methods: [String], name: String?, body: CGIBodyPolicy,
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse)
    /// Adds a route with an asynchronous handler.
    func addRoute(
        _ path: String, methods: [String], name: String?, body: CGIBodyPolicy,
        asyncHandler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse)
}

/// In every path, `:name` takes one segment and a `*` at the end takes the rest, which may be empty. A route's name
/// (Flask's endpoint) is its path unless `name` is given. `GET` brings `HEAD` along, and every route answers `OPTIONS`.
extension CGIRouting {
    /// Answers several methods of a path.
    public func route(
        _ path: String, methods: [String] = ["GET"], name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: methods, name: name, body: body, handler: handler)
    }

    /// Answers several methods of a path asynchronously.
    public func route(
        _ path: String, methods: [String] = ["GET"], name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: methods, name: name, body: body, asyncHandler: handler)
    }

    /// Answers GET and HEAD of a path.
    public func get(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["GET"], name: name, body: body, handler: handler)
    }

    /// Answers GET and HEAD of a path asynchronously.
    public func get(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["GET"], name: name, body: body, asyncHandler: handler)
    }

    /// Answers POST of a path.
    public func post(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["POST"], name: name, body: body, handler: handler)
    }

    /// Answers POST of a path asynchronously.
    public func post(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["POST"], name: name, body: body, asyncHandler: handler)
    }

    /// Answers PUT of a path.
    public func put(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["PUT"], name: name, body: body, handler: handler)
    }

    /// Answers PUT of a path asynchronously.
    public func put(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["PUT"], name: name, body: body, asyncHandler: handler)
    }

    /// Answers PATCH of a path.
    public func patch(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["PATCH"], name: name, body: body, handler: handler)
    }

    /// Answers PATCH of a path asynchronously.
    public func patch(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["PATCH"], name: name, body: body, asyncHandler: handler)
    }

    /// Answers DELETE of a path.
    public func delete(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) throws -> CGIResponse
    ) {
        addRoute(path, methods: ["DELETE"], name: name, body: body, handler: handler)
    }

    /// Answers DELETE of a path asynchronously.
    public func delete(
        _ path: String, name: String? = nil, body: CGIBodyPolicy = .collected(),
        handler: @escaping @Sendable (CGIRequest) async throws -> CGIResponse
    ) {
        addRoute(path, methods: ["DELETE"], name: name, body: body, asyncHandler: handler)
    }
}

/// Routes of an app that share a path prefix and a name prefix (Flask's blueprint): the route named "inner" of the
/// group named "bp" is "bp.inner".
public struct CGIRouteGroup: CGIRouting {
    let parent: any CGIRouting
    /// What stands before the names of the group's routes, without the dot.
    public let name: String
    /// What stands before the paths of the group's routes.
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

    /// A group inside this one.
    public func group(_ name: String, prefix: String = "") -> CGIRouteGroup {
        CGIRouteGroup(parent: self, name: name, prefix: prefix)
    }

    private func qualified(_ name: String?, _ path: String) -> String {
        "\(self.name).\(name ?? path)"
    }
}

/// What answers a request, or looks at it first: a synchronous or an asynchronous function.
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

/// How a route takes the body of a request.
public enum CGIBodyPolicy: Sendable, Equatable {
    /// Whole, before the handler runs (under CGI: on first use). Longer ones are answered with 413.
    ///
    /// - `upTo`: the most bytes; nil is the app's `maximumBodyBytes`.
    case collected(upTo: Int? = nil)
    /// As it arrives, through `CGIRequest.bodyStream`; a slow reader slows the sender. Longer ones are answered with
    /// 413, or fail while they are read if their length was not announced. Read it before you write: nginx stops
    /// sending a body once it has the headers of the response.
    case streamed(upTo: Int = .max)

    func maximumBytes(default maximum: Int) -> Int {
        switch self {
        case .collected(let own): own ?? maximum
        case .streamed(let own): own
        }
    }
}
