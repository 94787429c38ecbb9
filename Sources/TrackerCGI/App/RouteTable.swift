import TrackerCore

/// A path pattern with its methods and handler. Shared by all requests, so that passing it on only copies a reference.
final class Route: Sendable {
    let pattern: RoutePattern
    /// In uppercase; includes HEAD if it includes GET.
    let methods: [String]
    let name: String
    let body: CGIBodyPolicy
    let handler: CGIHandler<CGIResponse>

    init(
        pattern: RoutePattern, methods: [String], name: String, body: CGIBodyPolicy, handler: CGIHandler<CGIResponse>
    ) {
        self.pattern = pattern
        self.methods = methods
        self.name = name
        self.body = body
        self.handler = handler
    }
}

/// Finds the route for a request, the way Flask does.
struct RouteTable: Sendable {
    enum Match: Sendable {
        case route(Route, parameters: [(name: String, value: String)])
        /// `OPTIONS` on a route that does not handle it itself.
        case options(Route, parameters: [(name: String, value: String)], allowed: [String])
        /// Another spelling of the path matches.
        case redirect(path: String)
        case methodNotAllowed(allowed: [String])
        case notFound
    }

    private var literals: [String: [Route]] = [:]
    private var patterns: [Route] = []

    mutating func add(_ route: Route) {
        if route.pattern.isLiteral {
            literals[route.pattern.text, default: []].append(route)
        } else {
            let position = patterns.firstIndex { RoutePattern.isMoreSpecific(route.pattern, $0.pattern) }
            patterns.insert(route, at: position ?? patterns.endIndex)
        }
    }

    func match(method: String, path: String) -> Match {
        switch Self.spelling(of: path) {
        case .plain: break
        case .withControls: return .notFound
        case .withSlashRuns:
            let merged = Self.mergingSlashes(path)
            if case .notFound = find(method: method, path: merged) { return .notFound }
            return .redirect(path: merged)
        }
        let found = find(method: method, path: path)
        if case .notFound = found, path.utf8.last != UInt8(ascii: "/"), path.utf8.first == UInt8(ascii: "/") {
            switch find(method: method, path: path + "/") {
            case .route(let route, _) where !route.pattern.segments.contains(.wildcard),
                .options(let route, _, _) where !route.pattern.segments.contains(.wildcard):
                return .redirect(path: path + "/")
            case .route, .options, .redirect, .methodNotAllowed, .notFound: return .notFound
            }
        }
        return found
    }

    private func find(method: String, path: String) -> Match {
        var allowed: [String] = []
        var first: (route: Route, parameters: [(name: String, value: String)])?
        for route in literals[path] ?? [] {
            if route.methods.contains(method) { return .route(route, parameters: []) }
            if first == nil { first = (route, []) }
            allowed += route.methods.filter { !allowed.contains($0) }
        }
        for route in patterns {
            guard let parameters = route.pattern.match(path) else { continue }
            if route.methods.contains(method) { return .route(route, parameters: parameters) }
            if first == nil { first = (route, parameters) }
            allowed += route.methods.filter { !allowed.contains($0) }
        }
        guard let first else { return .notFound }
        if !allowed.contains("OPTIONS") { allowed.append("OPTIONS") }
        if method == "OPTIONS" { return .options(first.route, parameters: first.parameters, allowed: allowed) }
        return .methodNotAllowed(allowed: allowed)
    }

    private enum Spelling {
        case plain, withSlashRuns, withControls
    }

    private static func spelling(of path: String) -> Spelling {
        path.withBytes { bytes in
            var spelling = Spelling.plain
            var last: UInt8 = 0
            for byte in bytes {
                if ASCII.isControl(byte) { return .withControls }
                if byte == UInt8(ascii: "/"), last == byte { spelling = .withSlashRuns }
                last = byte
            }
            return spelling
        }
    }

    /// Merges runs of slashes.
    private static func mergingSlashes(_ path: String) -> String {
        let slash = UInt8(ascii: "/")
        var merged: [UInt8] = []
        merged.reserveCapacity(path.utf8.count)
        for byte in path.utf8 where byte != slash || merged.last != slash { merged.append(byte) }
        return String(decoding: merged, as: UTF8.self)
    }
}
