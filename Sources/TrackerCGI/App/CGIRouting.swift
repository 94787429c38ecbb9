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
