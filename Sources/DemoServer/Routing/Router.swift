import Synchronization
import TrackerCore

/// Routes requests to handlers by path and method, inside a chain of middleware closures.
///
/// Set up before the server starts; only read afterwards.
package final class Router: Sendable {
    package typealias Handler = @Sendable (HTTPRequest) async throws -> HTTPResponse
    package typealias Middleware =
        @Sendable (HTTPRequest, (HTTPRequest) async throws -> HTTPResponse) async throws -> HTTPResponse

    private struct Route: Sendable {
        let method: String?
        let pattern: RoutePattern
        let name: String
        let handler: Handler
    }

    private struct Table: Sendable {
        var routes: [Route] = []
        var middlewares: [Middleware] = []
    }

    private let table = Mutex(Table())
    private let log: @Sendable (String) -> Void

    package init(log: @escaping @Sendable (String) -> Void = { StandardError.write($0) }) {
        self.log = log
    }

    /// Adds a middleware around routing and the middlewares added before it. It sees unmatched requests and thrown
    /// errors too.
    package func use(_ middleware: @escaping Middleware) {
        table.withLock { $0.middlewares.append(middleware) }
    }

    /// - Parameters:
    ///   - method: nil for any method.
    ///   - pattern: `/text`, `/:parameter`, and `/*` at the end.
    ///   - name: the request's `routeName`.
    package func on(_ method: String?, _ pattern: String, name: String, _ handler: @escaping Handler) {
        table.withLock {
            $0.routes.append(Route(method: method, pattern: RoutePattern(pattern), name: name, handler: handler))
        }
    }

    /// Answers every request; errors become error pages.
    package func handle(_ request: HTTPRequest) async -> HTTPResponse {
        let table = table.withLock { $0 }
        do {
            return try await Self.run(table.middlewares[...], table.routes, request)
        } catch let error as HTTPError {
            return StatusText.page(error.status)
        } catch {
            log("\(request.method) \(request.rawPath): \(error)")
            return StatusText.page(500)
        }
    }

    private static func run(
        _ middlewares: ArraySlice<Middleware>, _ routes: [Route], _ request: HTTPRequest
    ) async throws -> HTTPResponse {
        guard let outermost = middlewares.last else { return try await dispatch(routes, request) }
        return try await outermost(request) { request in
            try await run(middlewares.dropLast(), routes, request)
        }
    }

    private static func dispatch(_ routes: [Route], _ request: HTTPRequest) async throws -> HTTPResponse {
        let path = request.rawPath
        var allowed: [String] = []
        for route in routes {
            guard let parameters = route.pattern.match(encoded: path[...]) else { continue }
            let isAllowed =
                route.method == nil || route.method == request.method
                || (request.method == "HEAD" && route.method == "GET")
            guard isAllowed else {
                if let method = route.method { allowed.append(method) }
                continue
            }
            request.parameters = Dictionary(parameters, uniquingKeysWith: { _, last in last })
            request.routeName = route.name
            if let refusal = request.bodyRefusal { throw refusal }
            return try await route.handler(request)
        }
        if let refusal = request.bodyRefusal { throw refusal }
        guard allowed.isEmpty else {
            var response = StatusText.page(405)
            response.headers.append(("Allow", allowed.joined(separator: ", ")))
            return response
        }
        return StatusText.page(404)
    }
}
