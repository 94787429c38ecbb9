import Foundation
import Synchronization
import TestSupport
import Testing
import TrackerCore

@testable import TrackerRouterAdapter

/// A request that is neither a value type nor `Sendable`, as in some frameworks.
final class PlainRequest {
    let path: String
    var headers: [(name: String, value: String)]
    var routeName: String?

    init(_ path: String, headers: [(name: String, value: String)] = [("Host", "h")]) {
        self.path = path
        self.headers = headers
    }
}

struct PlainResponse: Equatable {
    var status = 200
    var cookies: [String] = []
}

struct Teapot: Error, Equatable {}

extension AnalyticsMapping where Request == PlainRequest, Response == PlainResponse {
    static var plain: Self {
        .init(
            snapshot: { request in
                RequestSnapshot(method: "GET", target: request.path, headers: RequestHeaders(request.headers))
            },
            viewName: { request in request.routeName },
            status: { response in response.status },
            responseCookies: { response in response.cookies },
            addCookie: { response, cookie in response.cookies.append(cookie) },
            statusOfError: { error in error is Teapot ? 418 : nil })
    }
}

/// An event, parsed for tests.
struct SeenEvent {
    let data: [String: Any]
    init(_ json: String) throws {
        let event = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        data = try #require(event?["event_data"] as? [String: Any])
    }
    var viewName: String? { data["view_name"] as? String }
    var status: Int? { (data["response_data"] as? [String: Any])?["status_code"] as? Int }
    var session: String? { data["ra_session_id"] as? String }
    var processing: Int { data["processing_time_ns"] as? Int ?? -1 }
    var cookies: [String: Any]? { (data["response_data"] as? [String: Any])?["cookies"] as? [String: Any] }
}

@Suite("The analytics middleware")
struct AnalyticsMiddlewareTests {
    let transport = InMemoryTransport()
    let tracker: Tracker
    let analytics: AnalyticsMiddleware<PlainRequest, PlainResponse>

    init() throws {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        configuration.privacy = .none
        tracker = try Tracker(configuration: configuration, transport: transport)
        analytics = AnalyticsMiddleware(tracker: tracker, mapping: .plain)
    }

    func events() throws -> [SeenEvent] {
        tracker.flush()
        return try transport.events.map(SeenEvent.init)
    }

    @Test("records a request with the route's name that is known only after the handler")
    func normal() async throws {
        let request = PlainRequest("/hello/bob/")
        let response = try await analytics.middleware(request) { request in
            request.routeName = "hello"
            return PlainResponse(status: 201, cookies: ["a=1; Path=/"])
        }
        let event = try #require(try events().first)
        #expect(event.viewName == "hello")
        #expect(event.status == 201)
        #expect(event.cookies?.keys.sorted() == ["a"])
        #expect(response.cookies.count == 2)
        #expect(response.cookies.last?.hasPrefix("ra_session_id=\(event.session ?? "-");") == true)
    }

    @Test("records an unmatched route without a name")
    func unmatched() async throws {
        _ = try await analytics.middleware(PlainRequest("/nowhere")) { _ in PlainResponse(status: 404) }
        let event = try #require(try events().first)
        #expect(event.viewName == nil)
        #expect(event.data["view_name"] is NSNull)
        #expect(event.status == 404)
    }

    @Test("records a thrown error with its status, and throws it on untouched")
    func thrown() async throws {
        await #expect(throws: Teapot()) {
            _ = try await analytics.middleware(PlainRequest("/")) { request in
                request.routeName = "tea"
                throw Teapot()
            }
        }
        await #expect(throws: CocoaError.self) {
            _ = try await analytics.middleware(PlainRequest("/")) { _ in throw CocoaError(.fileNoSuchFile) }
        }
        let events = try events()
        #expect(events.map(\.status) == [418, 500])
        #expect(events.map(\.viewName) == ["tea", nil])
    }

    @Test("records a cancelled request once, as closed by the client")
    func cancelled() async throws {
        let task = Task { [analytics] in
            try await analytics.middleware(PlainRequest("/slow")) { _ in
                try await Task.sleep(for: .seconds(600))
                return PlainResponse()
            }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try events().map(\.status) == [499])
    }

    @Test("keeps a session that the visitor brings, and replaces one that is not its own")
    func session() async throws {
        let known = "00112233445566778899aabbccddeeff"
        let old = PlainRequest("/", headers: [("Cookie", "ra_session_id=\(known)")])
        let forged = PlainRequest("/", headers: [("Cookie", "ra_session_id=<script>")])
        #expect(try await analytics.middleware(old) { _ in PlainResponse() }.cookies.isEmpty)
        #expect(try await analytics.middleware(forged) { _ in PlainResponse() }.cookies.count == 1)
        let sessions = try events().map(\.session)
        #expect(sessions[0] == known)
        #expect(sessions[1]?.count == 32 && sessions[1] != known)
    }

    @Test("leaves the session to the app where the app keeps it")
    func hostSession() async throws {
        let store = SessionStore()
        let analytics = AnalyticsMiddleware(tracker: tracker, mapping: store.mapping)
        for _ in 0..<2 {
            #expect(try await analytics.middleware(PlainRequest("/")) { _ in PlainResponse() }.cookies.isEmpty)
        }
        #expect(Set(try events().map(\.session)) == [store.session?.description])
        #expect(store.stored == 1)
    }

    @Test("lets no client choose the session where the app keeps it")
    func fixation() async throws {
        let chosen = "00112233445566778899aabbccddeeff"
        let store = SessionStore()
        let analytics = AnalyticsMiddleware(tracker: tracker, mapping: store.mapping)
        let request = PlainRequest("/", headers: [("Host", "h"), ("Cookie", "ra_session_id=\(chosen)")])
        #expect(try await analytics.middleware(request) { _ in PlainResponse() }.cookies.isEmpty)
        let session = try #require(try events().first?.session)
        #expect(session != chosen)
        #expect(store.session?.description == session && store.stored == 1)
    }

    @Test("answers an error as the framework would, with the session's cookie")
    func errorPage() async throws {
        var mapping = AnalyticsMapping<PlainRequest, PlainResponse>.plain
        mapping.responseForError = { error, request in
            guard request.path != "/worse" else { throw CocoaError(.fileNoSuchFile) }
            return error is Teapot ? PlainResponse(status: 419) : nil
        }
        let analytics = AnalyticsMiddleware(tracker: tracker, mapping: mapping)
        let page = try await analytics.middleware(PlainRequest("/")) { _ in throw Teapot() }
        #expect(page.status == 419 && page.cookies.count == 1)
        await #expect(throws: CocoaError.self) {
            _ = try await analytics.middleware(PlainRequest("/")) { _ in throw CocoaError(.fileNoSuchFile) }
        }
        await #expect(throws: Teapot()) {
            _ = try await analytics.middleware(PlainRequest("/worse")) { _ in throw Teapot() }
        }
        let wrapped = analytics.wrap { (_: PlainRequest) throws(Teapot) -> PlainResponse in throw Teapot() }
        #expect(try wrapped(PlainRequest("/")).status == 419)
        #expect(try events().map(\.status) == [419, 500, 418, 419])
    }

    @Test("wraps one handler, async or synchronous")
    func wrap() async throws {
        let slow = analytics.wrap { (request: PlainRequest) async throws -> PlainResponse in
            await Task.yield()
            request.routeName = "slow"
            return PlainResponse()
        }
        let quick = analytics.wrap { (request: PlainRequest) throws -> PlainResponse in
            request.routeName = "quick"
            guard request.path != "/bad" else { throw Teapot() }
            return PlainResponse()
        }
        _ = try await slow(PlainRequest("/"))
        _ = try quick(PlainRequest("/"))
        #expect(throws: Teapot()) { try quick(PlainRequest("/bad")) }
        let events = try events()
        #expect(events.map(\.viewName) == ["slow", "quick", "quick"])
        #expect(events.map(\.status) == [200, 200, 418])
    }

    @Test("throws from a wrapped handler what it threw itself, and nothing from one that throws nothing")
    func typedErrors() async throws {
        let typed: @Sendable (PlainRequest) throws(Teapot) -> PlainResponse = analytics.wrap {
            (_) throws(Teapot) in throw Teapot()
        }
        do throws(Teapot) { _ = try typed(PlainRequest("/")) } catch { #expect(error == Teapot()) }
        let silent = analytics.wrap { (_: PlainRequest) -> PlainResponse in PlainResponse(status: 203) }
        let handlers: [(PlainRequest) -> PlainResponse] = [silent]
        #expect(handlers.map { $0(PlainRequest("/")).status } == [203])
        let slow = analytics.wrap { (_: PlainRequest) async -> PlainResponse in
            await Task.yield()
            return PlainResponse(status: 204)
        }
        #expect(await slow(PlainRequest("/")).status == 204)
        #expect(try events().map(\.status) == [418, 203, 204])
    }

    @Test("measures the handler and nothing else")
    func processingTime() async throws {
        let clock = ContinuousClock()
        let asked = Asked()
        var mapping = AnalyticsMapping<PlainRequest, PlainResponse>.plain
        let snapshot = mapping.snapshot
        mapping.snapshot = { request in
            asked.time = clock.measure { usleep(20_000) }
            return snapshot(request)
        }
        let analytics = AnalyticsMiddleware(tracker: tracker, mapping: mapping)
        var inside = Duration.zero
        let whole = try await clock.measure {
            _ = try await analytics.middleware(PlainRequest("/")) { _ in
                inside = clock.measure { usleep(20_000) }
                return PlainResponse()
            }
        }
        let processing = Duration.nanoseconds(try #require(try events().first).processing)
        #expect(processing >= inside)
        #expect(processing <= whole - asked.time)
    }

    @Test("hands the request through untouched when analytics are disabled")
    func disabled() async throws {
        let asked = Asked()
        var mapping = AnalyticsMapping<PlainRequest, PlainResponse>.plain
        mapping.snapshot = { _ in
            asked.isAsked = true
            return RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([]))
        }
        let analytics = AnalyticsMiddleware(tracker: try Tracker(configuration: .disabled), mapping: mapping)
        #expect(try await analytics.middleware(PlainRequest("/")) { _ in PlainResponse() } == PlainResponse())
        #expect(!asked.isAsked)
    }

    @Test("keeps concurrent requests apart")
    func concurrent() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<400 {
                group.addTask { [analytics] in
                    _ = try await analytics.middleware(PlainRequest("/\(number)")) { request in
                        await Task.yield()
                        request.routeName = "view\(number)"
                        return PlainResponse(status: 200 + number % 100)
                    }
                }
            }
            try await group.waitForAll()
        }
        let events = try events()
        #expect(events.count == 400)
        for event in events {
            let number = Int(event.viewName?.dropFirst(4) ?? "") ?? -1
            #expect(event.status == 200 + number % 100)
            #expect((event.data["full_url"] as? String)?.hasSuffix("/\(number)") == true)
        }
    }
}

private final class SessionStore: Sendable {
    private let state = Mutex<(session: SessionIdentifier?, stored: Int)>((nil, 0))
    var session: SessionIdentifier? { state.withLock { $0.session } }
    var stored: Int { state.withLock { $0.stored } }

    var mapping: AnalyticsMapping<PlainRequest, PlainResponse> {
        var mapping = AnalyticsMapping<PlainRequest, PlainResponse>.plain
        mapping.sessionStore = .init(
            load: { _ in self.session },
            store: { _, session in self.state.withLock { $0 = (session, $0.stored + 1) } })
        return mapping
    }
}

private final class Asked: @unchecked Sendable {
    // The tests use it from one task at a time.
    var isAsked = false
    var time = Duration.zero
}
