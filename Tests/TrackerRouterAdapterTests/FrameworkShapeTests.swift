import Testing
import TrackerCore

@testable import TrackerRouterAdapter

// Protocols shaped like two frameworks' middleware: what conforms to these conforms to those unchanged.

private protocol ContextMiddleware {
    associatedtype Input
    associatedtype Output
    associatedtype Context
    func handle(
        _ input: Input, context: Context, next: (Input, Context) async throws -> Output
    ) async throws -> Output
}

private struct ContextRequest: Sendable {
    var path: String
}

/// A reference type that knows the route once routing is done.
private final class RouteContext {
    var endpointPath: String?
}

private struct ContextAdapter: ContextMiddleware {
    let analytics: AnalyticsMiddleware<(ContextRequest, RouteContext), PlainResponse>

    func handle(
        _ input: ContextRequest, context: RouteContext,
        next: (ContextRequest, RouteContext) async throws -> PlainResponse
    ) async throws -> PlainResponse {
        try await analytics.handle(input, context: context, next: next)
    }
}

private protocol Responder: Sendable {
    func respond(to request: PlainRequest) async throws -> PlainResponse
}

private protocol ChainMiddleware: Sendable {
    func respond(to request: PlainRequest, chainingTo next: any Responder) async throws -> PlainResponse
}

private struct ChainAdapter: ChainMiddleware {
    let analytics: AnalyticsMiddleware<PlainRequest, PlainResponse>

    func respond(to request: PlainRequest, chainingTo next: any Responder) async throws -> PlainResponse {
        try await analytics.handle(request) { request in try await next.respond(to: request) }
    }
}

private struct HelloResponder: Responder {
    func respond(to request: PlainRequest) async throws -> PlainResponse {
        request.routeName = "hello"
        return PlainResponse(status: 202)
    }
}

@Suite("The middleware fits")
struct FrameworkShapeTests {
    let transport = InMemoryTransport()
    let tracker: Tracker

    init() throws {
        tracker = try Tracker(
            configuration: try TrackerConfiguration(projectID: "p", projectToken: "t"), transport: transport)
    }

    @Test("a protocol that hands over request, context and next")
    func contextStyle() async throws {
        let adapter = ContextAdapter(
            analytics: .init(
                tracker: tracker,
                mapping: .init(
                    snapshot: { RequestSnapshot(method: "GET", target: $0.0.path, headers: RequestHeaders([])) },
                    viewName: { $0.1.endpointPath }, status: { $0.status }, responseCookies: { $0.cookies },
                    addCookie: { $0.cookies.append($1) }, statusOfError: { _ in nil })))
        let response = try await adapter.handle(ContextRequest(path: "/x"), context: RouteContext()) { _, context in
            context.endpointPath = "/:name"
            return PlainResponse(status: 203)
        }
        #expect(response.status == 203)
        await tracker.flush()
        #expect(try SeenEvent(#require(transport.events.first)).viewName == "/:name")
    }

    @Test("a protocol that hands over the next responder")
    func chainStyle() async throws {
        let adapter = ChainAdapter(analytics: .init(tracker: tracker, mapping: .plain))
        let response = try await adapter.respond(to: PlainRequest("/"), chainingTo: HelloResponder())
        #expect(response.status == 202)
        await tracker.flush()
        #expect(try SeenEvent(#require(transport.events.first)).viewName == "hello")
    }
}
