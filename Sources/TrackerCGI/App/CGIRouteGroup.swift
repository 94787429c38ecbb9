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
