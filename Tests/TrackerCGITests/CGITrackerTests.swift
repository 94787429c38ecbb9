import Foundation
import Testing
import TrackerCore

@testable import TrackerCGI

@Suite("A CGI tracker")
struct CGITrackerTests {
    private struct Broken: Error {}

    /// Creates an app with a route of each kind, and the transport of its events.
    private func makeApp(isDisabled: Bool = false) throws -> (CGIApp, InMemoryTransport) {
        let app = CGIApp()
        let transport = InMemoryTransport()
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        if isDisabled { configuration.debugDisableAnalytics = true }
        configuration.usesBatches = false
        app.config.log = { _ in }
        app.config.rigidAnalytics = configuration
        app.config.rigidAnalyticsTransport = transport
        app.get("/", name: "home") { _ in CGIResponse(text: "Home page") }
        app.get("/async", name: "async") { _ in
            await Task.yield()
            return CGIResponse(text: "async")
        }
        app.get("/boom", name: "boom") { _ in throw Broken() }
        return (app, transport)
    }

    private func request(_ method: String, _ target: String, _ more: [(name: String, value: String)] = []) -> CGIRequest
    {
        CGIRequest(
            variables: CGIVariables(
                [
                    (name: "REQUEST_METHOD", value: method), (name: "REQUEST_URI", value: target),
                    (name: "HTTP_HOST", value: "example.test"),
                ] + more))
    }

    /// Runs one request until the client has the response.
    @discardableResult
    private func serve(_ app: CGIApp, _ request: CGIRequest) async -> CGIResponse {
        let response = await app.respond(to: request)
        app.responseWasSent(request, response)
        return response
    }

    private func events(_ transport: InMemoryTransport) throws -> [[String: Any]] {
        try transport.events.map { text in
            let json = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            return json?["event_data"] as? [String: Any] ?? [:]
        }
    }

    @Test("gives one event for each request, however it ends")
    func events() async throws {
        let (app, transport) = try makeApp()
        let tracker = CGITracker(app: app)
        for target in ["/?a=1", "/async", "/boom", "/nope"] { await serve(app, request("GET", target)) }
        await serve(app, request("PURGE", "/"))
        await tracker.tracker?.flush()
        let events = try events(transport)
        #expect(events.map { $0["view_name"] as? String } == ["home", "async", "boom", nil, nil])
        let statuses = events.map { ($0["response_data"] as? [String: Any])?["status_code"] as? Int }
        #expect(statuses == [200, 200, 500, 404, 405])
        #expect(events.first?["full_url"] as? String == "http://example.test/?a=1")
        #expect((events.first?["processing_time_ns"] as? Int ?? -1) >= 0)
        await tracker.tracker?.shutdown()
    }

    @Test("makes no event of a request twice")
    func once() async throws {
        let (app, transport) = try makeApp()
        let tracker = CGITracker(app: app)
        let request = request("GET", "/")
        let response = await serve(app, request)
        app.responseWasSent(request, response)
        await tracker.tracker?.flush()
        #expect(transport.events.count == 1)
        await tracker.tracker?.shutdown()
    }

    @Test("may be installed after it was made, and stands in the app's extensions")
    func initApp() async throws {
        let (app, transport) = try makeApp()
        let tracker = CGITracker()
        #expect(tracker.tracker == nil)
        tracker.initApp(app)
        #expect(app.extensions["rigidanalytics"] as? CGITracker === tracker)
        await serve(app, request("GET", "/"))
        await tracker.tracker?.flush()
        #expect(transport.events.count == 1)
        await tracker.tracker?.shutdown()
    }

    @Test("is refused a second time, by a sentence that says what to do")
    func twice() async throws {
        let (app, transport) = try makeApp()
        let tracker = CGITracker(app: app)
        for second in [tracker, CGITracker()] {
            #expect(throws: CGITrackerError.alreadyInstalled) { try second.install(in: app) }
            second.initApp(app)
        }
        #expect(
            CGITrackerError.alreadyInstalled.description
                == "this app already has a tracker: install it once, or use a second CGIApp")
        await serve(app, request("GET", "/"))
        await tracker.tracker?.flush()
        #expect(transport.events.count == 1)
        await tracker.tracker?.shutdown()
    }

    @Test("leaves an app without usable settings untracked, says why in one line, and can be installed later")
    func notConfigured() async throws {
        let (app, _) = try makeApp()
        let lines = ThreadLock<[String]>([])
        app.config.log = { line in lines.withLock { $0.append(line) } }
        let configuration = app.config.rigidAnalytics
        app.config.rigidAnalytics?.queueCapacity = 0
        let tracker = CGITracker(app: app)
        #expect(tracker.tracker == nil)
        #expect(app.extensions["rigidanalytics"] == nil)
        #expect(lines.withLock { $0.count } == 1)
        #expect(lines.withLock { $0.first?.hasPrefix("tracker: no analytics: RA_QUEUE_CAPACITY") } == true)
        #expect(app.runChecks().report.hasPrefix("FAILED  settings  RA_QUEUE_CAPACITY") && !app.runChecks().hasPassed)
        #expect(await app.respond(to: request("GET", "/")).status == 200)
        #expect(throws: CGITrackerError.self) { try tracker.install(in: app) }
        app.config.rigidAnalytics = configuration
        try tracker.install(in: app)
    }

    @Test("serves several apps; one without a configuration takes the first one's")
    func severalApps() async throws {
        let (first, transport) = try makeApp()
        let (second, _) = try makeApp()
        second.config.rigidAnalytics = nil
        let tracker = CGITracker()
        tracker.initApp(first)
        tracker.initApp(second)
        await serve(first, request("GET", "/"))
        await serve(second, request("GET", "/async"))
        await tracker.tracker?.flush()
        #expect(try events(transport).map { $0["view_name"] as? String } == ["home", "async"])
        #expect(tracker.tracker?.statistics.captured == 2)
        await tracker.tracker?.shutdown()
    }

    @Test("that is disabled connects to nothing, but counts as installed")
    func disabled() async throws {
        let (app, transport) = try makeApp(isDisabled: true)
        let tracker = CGITracker(app: app)
        let response = await serve(app, request("GET", "/"))
        #expect(response.header("Set-Cookie") == nil)
        #expect(tracker.tracker?.statistics.captured == 0)
        #expect(transport.events.isEmpty)
        #expect(throws: CGITrackerError.alreadyInstalled) { try CGITracker().install(in: app) }
    }

    @Test("leaves analytics off in an app in debug mode, unless it is told otherwise")
    func debug() throws {
        let (app, _) = try makeApp()
        app.config.isDebug = true
        #expect(CGITracker(app: app).tracker?.isEnabled == false)
        let (other, _) = try makeApp()
        other.config.isDebug = true
        other.config.rigidAnalytics?.debugDisableAnalytics = false
        #expect(CGITracker(app: other).tracker?.isEnabled == true)
    }

    @Test("works through public signals alone: whoever answers early or changes the answer is seen")
    func signalsOnly() async throws {
        let (app, transport) = try makeApp()
        app.beforeRequest { request in
            request.pathInfo == "/async" ? CGIResponse(text: "closed", status: 503) : nil
        }
        app.requestFinished.connect { _, response, _ in if response.status == 404 { response.status = 410 } }
        let tracker = CGITracker(app: app)
        await serve(app, request("GET", "/async"))
        await serve(app, request("GET", "/nope"))
        await tracker.tracker?.flush()
        let statuses = try events(transport).map { ($0["response_data"] as? [String: Any])?["status_code"] as? Int }
        #expect(statuses == [503, 410])
        await tracker.tracker?.shutdown()
    }

    @Test("starts a session with a cookie, continues a valid one, and replaces an invalid one")
    func session() async throws {
        let (app, transport) = try makeApp()
        let tracker = CGITracker(app: app)
        let known = "00112233445566778899aabbccddeeff"
        let first = await serve(app, request("GET", "/"))
        let cookie = try #require(first.header("Set-Cookie"))
        #expect(cookie.hasPrefix("ra_session_id=") && cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Lax"))
        let kept = await serve(app, request("GET", "/", [(name: "HTTP_COOKIE", value: "a=b; ra_session_id=\(known)")]))
        #expect(kept.header("Set-Cookie") == nil)
        let bad = await serve(app, request("GET", "/", [(name: "HTTP_COOKIE", value: "ra_session_id=mine")]))
        #expect(bad.header("Set-Cookie") != nil)
        let secure = await serve(app, request("GET", "/", [(name: "HTTPS", value: "on")]))
        #expect(secure.header("Set-Cookie")?.hasSuffix("; Secure") == true)
        await tracker.tracker?.flush()
        let sessions = try events(transport).map { $0["ra_session_id"] as? String ?? "" }
        #expect(cookie.contains(sessions[0]) && sessions[1] == known && sessions[2].utf8.count == 32)
        #expect(Set(sessions).count == 4)
        await tracker.tracker?.shutdown()
    }

    @Test("replaces credentials unless privacy is off, and gives the request's cookies")
    func privacy() async throws {
        for mode in [PrivacyPolicy.standard, .none] {
            let (app, transport) = try makeApp()
            app.config.rigidAnalytics?.privacy = mode
            let tracker = CGITracker(app: app)
            await serve(
                app,
                request(
                    "GET", "/?token=s3cr3t",
                    [
                        (name: "HTTP_COOKIE", value: "a=s3cr3t"), (name: "HTTP_AUTHORIZATION", value: "Basic s3cr3t"),
                        (name: "CONTENT_TYPE", value: "text/x"), (name: "HTTP_X_TWICE", value: "1"),
                        (name: "HTTP_X_TWICE", value: "2"),
                    ]))
            await tracker.tracker?.flush()
            let event = try #require(try events(transport).first)
            let headers = event["header_data"] as? [String: String] ?? [:]
            let cookies = (event["response_data"] as? [String: Any])?["cookies"] as? [String: String]
            #expect(headers["HTTP_CONTENT_TYPE"] == "text/x" && headers["HTTP_X_TWICE"] == "1, 2")
            #expect(cookies == ["a": mode == .none ? "s3cr3t" : "[Filtered]"])
            #expect(transport.events[0].contains("s3cr3t") == (mode == .none))
            await tracker.tracker?.shutdown()
        }
    }
}

@BlockingTests
@Suite("A CGI tracker behind FastCGI")
struct CGITrackerFastCGITests {
    @Test("captures an event only when END_REQUEST is out")
    func endFirst() throws {
        let mayGoOn = ThreadLock(false)
        let tracker = CGITracker()
        let transport = InMemoryTransport()
        let running = try RunningApp { app in
            app.config.rigidAnalyticsTransport = transport
            app.config.rigidAnalytics = try? TrackerConfiguration(projectID: "p", projectToken: "t")
            // Connected before the tracker's receiver, so it delays that one.
            app.responseSent.connect { _, _ in _ = eventually { mayGoOn.withLock { $0 } } }
        }
        tracker.initApp(running.app)
        let client = try running.connect()
        try client.send(FastCGIClient.request())
        let reply = try client.reply()
        #expect(reply.stdout.hasSuffix("Hello") && reply.stdout.contains("Set-Cookie: ra_session_id="))
        #expect(tracker.tracker?.statistics.captured == 0)
        mayGoOn.withLock { $0 = true }
        #expect(eventually { transport.events.count == 1 })
        #expect(eventually { running.server.admission.requestsInWork == 0 })
        tracker.tracker?.shutdown()
    }

    @Test("gives an event, too, for a request whose web server has gone")
    func disconnected() throws {
        let tracker = CGITracker()
        let transport = InMemoryTransport()
        let mayAnswer = ThreadLock(false)
        let running = try RunningApp { app in
            app.config.rigidAnalyticsTransport = transport
            app.config.rigidAnalytics = try? TrackerConfiguration(projectID: "p", projectToken: "t")
            app.get("/wait", name: "wait") { _ in
                _ = eventually { mayAnswer.withLock { $0 } }
                return CGIResponse(bytes: [UInt8](repeating: 0x78, count: 1 << 20))
            }
        }
        tracker.initApp(running.app)
        do {
            let client = try running.connect()
            try client.send(FastCGIClient.request(1, "/wait"))
            #expect(eventually { running.server.admission.requestsInWork == 1 })
        }
        mayAnswer.withLock { $0 = true }
        #expect(eventually { transport.events.count == 1 })
        #expect(eventually { running.server.openConnections == 0 })
        tracker.tracker?.shutdown()
    }
}
