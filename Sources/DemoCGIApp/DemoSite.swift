import CLibrary
import DemoServer
import TrackerCGI
import TrackerCore

/// The demo's pages, with the names and methods of the Python package's Flask site.
enum DemoSite {
    private static let anyMethod = ["GET", "POST", "PUT", "PATCH", "DELETE"]

    /// - Parameter livePage: the URL of the live page, for a link on the home page.
    static func addRoutes(to app: CGIApp, livePage: String? = nil) {
        addPages(to: app, livePage: livePage)
        addAnswers(to: app)
        addForms(to: app)
        addTools(to: app)
        addEchoes(to: app)
    }

    private static func addPages(to app: CGIApp, livePage: String?) {
        let home = HomePage.html(livePage: livePage)
        app.route("/", methods: anyMethod, name: "home") { _ in CGIResponse(html: home) }
        app.group("bp", prefix: "/bp").get("/in/", name: "inner") { _ in CGIResponse(text: "Inside a group\n") }
        app.get("/hello/:name/", name: "hello") { request in
            CGIResponse(text: "Hello, \(request.parameter("name") ?? "")!\n")
        }
        app.route("/any/*", methods: anyMethod, name: "anything") { request in
            CGIResponse(text: "You asked for \(request.path)\n")
        }
        app.get("/cbv/", name: "cbv-endpoint") { _ in CGIResponse(text: "A view, read\n") }
        app.post("/cbv/", name: "cbv-endpoint") { _ in CGIResponse(text: "A view, made\n", status: 201) }
    }

    private static func addAnswers(to app: CGIApp) {
        app.get("/boom/", name: "boom") { _ throws -> CGIResponse in throw DemoError(description: "boom") }
        app.get("/fail", name: "fail") { _ throws -> CGIResponse in throw DemoError(description: "fail") }
        app.get("/redir/", name: "redir") { _ in CGIResponse.redirect(to: "/") }
        app.get("/denied/", name: "denied") { _ in CGIResponse(text: "Not for you\n", status: 403) }
        app.get("/nf/", name: "nf") { _ in CGIResponse(text: "Nothing here\n", status: 404) }
        app.get("/susp/", name: "susp") { _ in CGIResponse(text: "That looks odd\n", status: 400) }
        app.get("/nocontent/", name: "nocontent") { _ in CGIResponse(status: 204) }
        app.get("/stream/", name: "stream") { _ in
            CGIResponse(
                contentType: "text/plain; charset=utf-8",
                stream: { (writer: CGIBodyWriter) async throws in
                    for number in 1...3 {
                        try await writer.write("chunk \(number)\n")
                        if number < 3 { try await Task.sleep(for: .milliseconds(150)) }
                    }
                })
        }
        app.get("/setcookie/", name: "setcookie") { _ in
            var response = CGIResponse(text: "Three cookies\n")
            response.cookies = [
                CGICookie(name: "a", value: "1", isHTTPOnly: false, sameSite: .unspecified),
                CGICookie(
                    name: "b", value: "2", path: "/x", domain: "ex.com", maximumAge: .seconds(60),
                    expires: HTTPDate.format(SystemClock.wallNanoseconds() / 1_000_000_000 + 60), isSecure: true),
                CGICookie(
                    name: "gone", value: "", maximumAge: .zero, expires: HTTPDate.format(0), isHTTPOnly: false,
                    sameSite: .unspecified),
            ]
            return response
        }
    }

    private static func addForms(to app: CGIApp) {
        app.route("/form/", methods: anyMethod, name: "form") { request in
            CGIResponse(json: FormFields.urlEncoded(try request.body).json)
        }
        app.route("/json/", methods: anyMethod, name: "js") { request in
            CGIResponse(json: "{\"len\": \(try request.body.count)}")
        }
        app.route("/upload/", methods: anyMethod, name: "upload") { request in
            CGIResponse(json: MultipartSizes(try request.body, contentType: request.contentType ?? "").json)
        }
    }

    private static func addTools(to app: CGIApp) {
        app.route("/echo", methods: anyMethod, name: "echo", body: .collected(upTo: 64 << 20)) { request in
            let body = try request.body
            return CGIResponse { (writer: CGIBodyWriter) throws in
                for start in stride(from: 0, to: body.count, by: 65_536) {
                    try writer.write(Array(body[start..<min(start + 65_536, body.count)]))
                }
            }
        }
        // Reads the body as it arrives, and responds after its end: nginx stops sending once it has response headers.
        app.route("/count", methods: ["POST", "PUT"], name: "count", body: .streamed()) { request in
            var count = 0
            while true {
                let piece = try request.bodyStream.read()
                if piece.isEmpty { return CGIResponse(text: "\(count)\n") }
                count += piece.count
            }
        }
        app.route("/async-count", methods: ["POST", "PUT"], name: "async-count", body: .streamed()) { request in
            var count = 0
            for try await piece in request.bodyStream { count += piece.count }
            return CGIResponse(text: "\(count)\n")
        }
        app.get("/big", name: "big") { request in
            let count = number(request, "n", upTo: 1 << 30)
            return CGIResponse { (writer: CGIBodyWriter) throws in
                let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 65_536)
                var left = count
                while left > 0 {
                    try writer.write(left >= piece.count ? piece : Array(piece[..<left]))
                    left -= min(left, piece.count)
                }
            }
        }
        app.get("/break", name: "break") { request in
            let count = number(request, "after", upTo: 1 << 20)
            return CGIResponse { (writer: CGIBodyWriter) throws in
                try writer.write([UInt8](repeating: UInt8(ascii: "x"), count: count))
                throw DemoError(description: "broken off")
            }
        }
        app.get("/status", name: "status") { request in
            let status = Int(request.queryParameter("code") ?? "") ?? 200
            return CGIResponse(text: "status \(status)\n", status: status)
        }
        app.get("/sleep", name: "sleep") { request in
            let milliseconds = number(request, "ms", upTo: 10_000)
            usleep(UInt32(milliseconds) * 1000)
            return CGIResponse(text: "slept \(milliseconds) ms\n")
        }
        app.get("/async-sleep", name: "async-sleep") { request in
            let milliseconds = number(request, "ms", upTo: 10_000)
            try await Task.sleep(for: .milliseconds(milliseconds))
            return CGIResponse(text: "slept \(milliseconds) ms\n")
        }
        app.route("/env/*", methods: anyMethod, name: "env") { request in CGIResponse(json: variables(request)) }
        app.route("/env", methods: anyMethod, name: "env") { request in CGIResponse(json: variables(request)) }
    }

    /// `/e/:k/:uid/:us/`: eight handlers with a status each, for load tests.
    private static func addEchoes(to app: CGIApp) {
        for (kind, status) in [200, 201, 202, 203, 404, 418, 500, 503].enumerated() {
            app.get("/e/\(kind)/:uid/:us/", name: "echo\(kind)") { request in
                let started = SystemClock.monotonicNanoseconds()
                if let microseconds = request.parameter("us").flatMap({ UInt32($0) }), microseconds > 0 {
                    usleep(min(microseconds, 10_000_000))
                }
                let took = SystemClock.monotonicNanoseconds() - started
                return CGIResponse(
                    json: "{\"uid\": \(JSONText.quoted(request.parameter("uid") ?? "")), \"ns\": \(took)}",
                    status: status)
            }
        }
    }

    private static func number(_ request: CGIRequest, _ name: String, upTo maximum: Int) -> Int {
        min(max(0, Int(request.queryParameter(name) ?? "") ?? 0), maximum)
    }

    private static func variables(_ request: CGIRequest) -> String {
        // Under CGI, the tracker's settings are variables too, its token included.
        let shown = request.variables.filter { !$0.name.hasPrefix("RA_") }
        let members = shown.map { "\n\(JSONText.quoted($0.name)): \(JSONText.quoted($0.value))" }
        return "{\(members.joined(separator: ","))\n}\n"
    }

    private struct DemoError: Error, CustomStringConvertible {
        let description: String
    }
}
