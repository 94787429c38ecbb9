import Foundation
import Testing
import TrackerCore

@testable import TrackerCGI

@Suite("An app")
struct AppTests {
    private struct Broken: Error {}

    private func makeApp() -> CGIApp {
        let app = CGIApp()
        app.config.log = { _ in }
        app.route("/", methods: ["GET", "POST", "PATCH", "DELETE"], name: "home") { _ in CGIResponse(text: "Home page")
        }
        app.get("/hello/:name/", name: "hello") { CGIResponse(text: "Hello \($0.parameter("name") ?? "")") }
        app.get("/any/*", name: "anything") { CGIResponse(text: $0.parameter("*") ?? "nil") }
        app.get("/unnamed") { _ in CGIResponse(text: "unnamed") }
        app.get("/boom/", name: "boom") { _ in throw Broken() }
        app.group("bp", prefix: "/bp").get("/in/", name: "inner") { _ in
            await Task.yield()
            return CGIResponse(text: "inner")
        }
        return app
    }

    private func request(_ method: String, _ target: String, body: [UInt8] = []) -> CGIRequest {
        CGIRequest(
            variables: CGIVariables([(name: "REQUEST_METHOD", value: method), (name: "REQUEST_URI", value: target)]),
            body: body)
    }

    @Test(
        "routes like Flask",
        arguments: [
            ("GET", "/", 200, "home"), ("HEAD", "/", 200, "home"), ("OPTIONS", "/", 200, "home"),
            ("PATCH", "/?a=1", 200, "home"), ("PURGE", "/", 405, nil), ("POST", "/hello/bob/", 405, nil),
            ("GET", "/hello/bob/", 200, "hello"), ("GET", "/hello/bob", 308, nil), ("GET", "/hello//", 404, nil),
            ("GET", "/any/", 200, "anything"), ("GET", "/any/a/b", 200, "anything"), ("GET", "/any", 404, nil),
            ("GET", "/any//x///y", 308, nil), ("GET", "/any/a%00b%0Ac%7Fd", 404, nil),
            ("GET", "/any/%E9%FF", 200, "anything"), ("GET", "/any/a/./b/../c", 200, "anything"),
            ("GET", "/no/such/thing", 404, nil), ("GET", "/nothing//here", 404, nil), ("OPTIONS", "*", 404, nil),
            ("GET", "/unnamed", 200, "/unnamed"), ("GET", "/boom/", 500, "boom"), ("GET", "/bp/in/", 200, "bp.inner"),
            ("", "", 405, nil),
        ] as [(String, String, Int, String?)])
    func routing(method: String, target: String, status: Int, name: String?) async {
        let request = request(method, target)
        let response = await makeApp().respond(to: request)
        #expect(response.status == status)
        #expect(request.endpointName == name)
    }

    @Test("listens where its arguments say")
    func arguments() throws {
        let line = try CGICommandLine(["--fastcgi", "127.0.0.1:9000", "--mount=/app", "--max-requests", "7"])
        #expect(line.fastCGI == "127.0.0.1:9000" && line.mountPath == "/app" && line.maximumRequests == 7)
        let app = CGIApp()
        line.apply(to: app)
        #expect(app.config.mountPath == "/app" && app.config.fastCGI.maximumRequestsPerProcess == 7)
        #expect(try CGICommandLine(["--check"]).task == .check)
        #expect(try CGIRunMode.Endpoint(parsing: "[::1]:9000") == .tcp("[::1]", 9000))
        #expect(try CGIRunMode.Endpoint(parsing: "unix:/run/app.sock") == .unix("/run/app.sock"))
        #expect(throws: CGIRunError.invalidEndpoint("here")) { try CGIRunMode.Endpoint(parsing: "here") }
    }

    @Test(
        "refuses arguments that it does not know, and values that are none",
        arguments: [["--other"], ["x"], ["--fastcgi"], ["--max-requests", "many"], ["--max-memory=0"]])
    func wrongArguments(arguments: [String]) {
        #expect(throws: CGICommandLine.UsageError.self) { try CGICommandLine(arguments) }
    }

    @Test(
        "refuses a status that does not end a request, and keeps a connection's fields to itself",
        arguments: [100, 101, 199, 600])
    func finalStatus(status: Int) async {
        let app = CGIApp()
        app.get("/") { _ in CGIResponse(status: status) }
        #expect(await app.respond(to: request("GET", "/")).status == 500)
    }

    @Test("leaves a connection's fields to the web server")
    func hopByHop() {
        var bytes: [UInt8] = []
        let names = [
            "Connection", "keep-alive", "Proxy-Connection", "TE", "Trailer", "transfer-encoding", "Upgrade", "X-Own",
        ]
        var response = CGIResponse(headers: names.map { ($0, "x-own, chunked") }, bytes: [65])
        response.headers.append(("X-End-To-End", "1"))
        ResponseHead.append(response, method: "GET", to: &bytes)
        let head = String(decoding: bytes, as: UTF8.self)
        for name in names { #expect(!head.lowercased().contains("\r\n\(name.lowercased()):"), "\(name)") }
        #expect(head.contains("\r\nX-End-To-End: 1\r\n") && head.contains("\r\nContent-Length: 1\r\n"))
    }

    @Test("answers recorded requests with the recorded status and view name")
    func recorded() async throws {
        let app = makeApp()
        for path in ["/denied/", "/susp/", "/redir/", "/stream/", "/setcookie/", "/form/", "/json/", "/upload/"] {
            let name = path == "/json/" ? "js" : String(path.dropFirst().dropLast())
            app.route(path, methods: ["GET", "POST", "PUT"], name: name) { _ in CGIResponse(text: name) }
        }
        app.route("/cbv/", methods: ["GET", "POST"], name: "cbv-endpoint") { _ in CGIResponse(text: "cbv") }
        let file = RecordedEnvironment.directory.appending(path: "recorded/cgi.jsonl")
        var count = 0
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let entry = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard let event = (entry["event"] as? [String: Any])?["event_data"] as? [String: Any],
                let data = Data(base64Encoded: entry["request_base64"] as? String ?? "")
            else { continue }
            let id = entry["id"] as? String ?? ""
            // A group of the router demo's site that this site does not have.
            if id == "namespace" { continue }
            let words = String(decoding: data, as: UTF8.self).split(separator: " ", maxSplits: 2).map(String.init)
            let request = request(words[0], words[1])
            let response = await app.respond(to: request)
            #expect(request.endpointName == event["view_name"] as? String, "\(id)")
            if [308, 404, 405, 500].contains(entry["status"] as? Int) {
                #expect(response.status == entry["status"] as? Int, "\(id)")
            }
            count += 1
        }
        #expect(count > 50)
    }

    @Test("redirects to the merged path, with its query, below the mount prefix")
    func redirect() async {
        let variables = CGIVariables([
            (name: "REQUEST_METHOD", value: "GET"), (name: "REQUEST_URI", value: "/app//any//caf%C3%A9?x=%20"),
            (name: "SCRIPT_NAME", value: "/app"), (name: "PATH_INFO", value: "/any/café"),
            (name: "QUERY_STRING", value: "x=%20"),
        ])
        let response = await makeApp().respond(to: CGIRequest(variables: variables))
        #expect(response.status == 308)
        #expect(response.header("location") == "/app/any/caf%C3%A9?x=%20")
        let outside = await makeApp().respond(to: request("GET", "//any//evil.test/"))
        #expect(outside.header("Location") == "/any/evil.test/")
    }

    @Test("says which methods a path knows")
    func allow() async {
        let response = await makeApp().respond(to: request("PURGE", "/any/x"))
        #expect(response.header("Allow") == "GET, HEAD, OPTIONS")
    }

    @Test("ends a request early if a function before it answers")
    func early() async {
        let app = makeApp()
        app.beforeRequest { request in request.endpointName == "hello" ? CGIResponse(text: "no", status: 403) : nil }
        app.beforeRequest { _ -> CGIResponse? in
            await Task.yield()
            return nil
        }
        #expect(await app.respond(to: request("GET", "/hello/x/")).status == 403)
        #expect(await app.respond(to: request("GET", "/")).status == 200)
    }

    @Test("keeps extensions' settings and values")
    func storage() async {
        enum Limit: CGIStorageKey { typealias Value = Int }
        let app = makeApp()
        app.config.storage[Limit.self] = 7
        app.extensions["tracker"] = "here"
        #expect(app.config.storage[Limit.self] == 7)
        #expect(app.extensions["tracker"] as? String == "here")
        let request = request("GET", "/")
        request.storage[Limit.self] = 5
        #expect(request.storage[Limit.self] == 5)
        request.storage[Limit.self] = nil
        #expect(request.storage[Limit.self] == nil)
    }

    @Test("fires its signals once, whatever happens, until a receiver disconnects")
    func signals() async {
        let app = makeApp()
        let calls = ThreadLock<[String]>([])
        let started = app.requestStarted.connect { _ in calls.withLock { $0.append("started") } }
        app.requestFinished.connect { _, response, error in
            calls.withLock { $0.append("finished \(response.status) \(error.map { "\(type(of: $0))" } ?? "-")") }
        }
        app.responseSent.connect { _, _ in calls.withLock { $0.append("sent") } }
        let request = request("GET", "/boom/")
        let response = await app.respond(to: request)
        app.responseWasSent(request, response)
        app.responseWasSent(request, response)
        #expect(calls.withLock { $0 } == ["started", "finished 500 Broken", "sent"])
        app.requestStarted.disconnect(started)
        _ = await app.respond(to: self.request("GET", "/nope"))
        #expect(calls.withLock { $0.suffix(1) } == ["finished 404 -"])
    }

    @Test("asks its own handlers for errors and statuses")
    func errorHandlers() async {
        let app = makeApp()
        app.onError { error, _ in error is Broken ? CGIResponse(text: "teapot", status: 418) : nil }
        app.onStatus(404) { _ in CGIResponse(text: "lost", status: 404) }
        #expect(await app.respond(to: request("GET", "/boom/")).status == 418)
        guard case .bytes(let page) = await app.respond(to: request("GET", "/nope")).body else { return }
        #expect(String(decoding: page, as: UTF8.self) == "lost")
    }

    @Test(
        "refuses to send what would break out of the headers",
        arguments: [
            CGIResponse(status: 99), CGIResponse(status: 600), CGIResponse(reason: "a\r\nb"),
            CGIResponse(reason: "a\nb"),
            CGIResponse(headers: [("X", "a\rb")]), CGIResponse(headers: [("X", "a\u{0}")]),
            CGIResponse(headers: [("X\n", "a")]), CGIResponse(headers: [("", "a")]),
            CGIResponse(headers: [("X:", "a")]),
            CGIResponse.redirect(to: "/a\r\nSet-Cookie: b=c"),
        ])
    func refused(bad: CGIResponse) async {
        let app = makeApp()
        app.get("/bad") { _ in bad }
        let response = await app.respond(to: request("GET", "/bad"))
        #expect(response.status == 500)
        #expect(response.headers.map(\.name) == ["Content-Type"])
    }

    @Test("refuses a receiver's bad cookie")
    func badCookie() async {
        let app = makeApp()
        app.requestFinished.connect { _, response, _ in
            response.cookies.append(CGICookie(name: "a", value: "b\r\nX: y"))
        }
        #expect(await app.respond(to: request("GET", "/")).status == 500)
    }

    @Test("writes the status first, and no body where there may be none")
    func head() {
        func head(_ response: CGIResponse, _ method: String = "GET") -> String {
            var bytes: [UInt8] = []
            ResponseHead.append(response, method: method, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(
            head(CGIResponse(text: "abc")) == "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: 3\r\n\r\n")
        #expect(head(CGIResponse(text: "abc"), "HEAD").hasSuffix("Content-Length: 3\r\n\r\n"))
        #expect(head(CGIResponse(status: 204)) == "Status: 204 No Content\r\n\r\n")
        #expect(
            head(CGIResponse(status: 299, headers: [("Content-Length", "99"), ("Status", "500")], bytes: [1]))
                == "Status: 299 Success\r\nContent-Type: application/octet-stream\r\nContent-Length: 1\r\n\r\n")
    }

    @Test(
        "knows where to listen",
        arguments: [
            ("unix:/run/app.sock", .unix("/run/app.sock")), ("127.0.0.1:9000", .tcp("127.0.0.1", 9000)),
            ("[::1]:0", .tcp("[::1]", 0)), (":9000", .tcp("", 9000)), ("::1:9000", nil), ("unix:", nil), ("9000", nil),
            ("/run/app.sock", nil), ("host:99999", nil), ("", nil),
        ] as [(String, CGIRunMode.Endpoint?)])
    func endpoints(text: String, expected: CGIRunMode.Endpoint?) {
        #expect((try? CGIRunMode.Endpoint(parsing: text)) == expected)
    }
}
