import DemoServer
import TrackerCore

/// The demo's pages: one for each kind of response that a tracker must handle.
enum DemoSite {
    /// - Parameter livePage: the URL of the live page, for a link on the home page.
    static func addRoutes(to router: Router, livePage: String? = nil) {
        addPages(to: router, livePage: livePage)
        addAnswers(to: router)
        addForms(to: router)
        addEchoes(to: router)
    }

    private static func addPages(to router: Router, livePage: String?) {
        let home = HomePage.html(livePage: livePage)
        router.on(nil, "/", name: "home") { _ in HTTPResponse(html: home) }
        router.on(nil, "/ns/in/", name: "home") { _ in HTTPResponse(text: "Home page of a namespace\n") }
        router.on(nil, "/hello/:name/", name: "hello") { request in
            HTTPResponse(text: "Hello, \(request.parameters["name"] ?? "")!\n")
        }
        router.on(nil, "/any/*", name: "anything") { request in HTTPResponse(text: "You asked for \(request.path)\n") }
        router.on(nil, "/cbv/", name: "view") { request in
            switch request.method {
            case "GET", "HEAD": return HTTPResponse(text: "A view, read\n")
            case "POST": return HTTPResponse(status: 201, text: "A view, made\n")
            default:
                var response = StatusText.page(405)
                response.headers.append(("Allow", "GET, POST, HEAD"))
                return response
            }
        }
    }

    private static func addAnswers(to router: Router) {
        router.on(nil, "/boom/", name: "boom") { _ throws -> HTTPResponse in throw Boom() }
        router.on(nil, "/redir/", name: "redir") { _ in HTTPResponse(redirectTo: "/", status: 302) }
        router.on(nil, "/denied/", name: "denied") { _ in HTTPResponse(status: 403, text: "Not for you\n") }
        router.on(nil, "/nf/", name: "notfound") { _ in HTTPResponse(status: 404, text: "Nothing here\n") }
        router.on(nil, "/susp/", name: "suspicious") { _ in HTTPResponse(status: 400, text: "That looks odd\n") }
        router.on(nil, "/nocontent/", name: "nocontent") { _ in HTTPResponse(status: 204) }
        router.on(nil, "/stream/", name: "stream") { _ in
            HTTPResponse(
                headers: [("Content-Type", "text/plain; charset=utf-8")],
                body: .stream { writer in
                    for number in 1...3 {
                        try await writer.write(Array("chunk \(number)\n".utf8))
                        if number < 3 { try await Task.sleep(for: .milliseconds(150)) }
                    }
                })
        }
        router.on(nil, "/setcookie/", name: "setcookie") { _ in
            let inAMinute = HTTPDate.format(SystemClock.wallNanoseconds() / 1_000_000_000 + 60)
            var response = HTTPResponse(text: "Three cookies\n")
            response.headers.append(("Set-Cookie", "a=1; Path=/"))
            response.headers.append(
                (
                    "Set-Cookie",
                    "b=2; Domain=ex.com; expires=\(inAMinute); HttpOnly; Max-Age=60; Path=/x; SameSite=Lax; Secure"
                ))
            response.headers.append(
                ("Set-Cookie", "gone=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"))
            return response
        }
    }

    private static func addForms(to router: Router) {
        router.on(nil, "/form/", name: "form") { request in
            HTTPResponse(json: FormFields.urlEncoded(request.body).json)
        }
        router.on(nil, "/json/", name: "js") { request in HTTPResponse(json: "{\"len\": \(request.body.count)}") }
        router.on(nil, "/upload/", name: "upload") { request in
            HTTPResponse(json: MultipartSizes(request.body, contentType: request.header("Content-Type") ?? "").json)
        }
    }

    /// `/e/:k/:uid/:us/`: eight handlers with a status each, for load tests. Each sleeps for the given microseconds and
    /// reports how long it took.
    private static func addEchoes(to router: Router) {
        let statuses = [200, 201, 202, 203, 404, 418, 500, 503]
        for (number, status) in statuses.enumerated() {
            router.on(nil, "/e/\(number)/:uid/:us/", name: "echo\(number)") { request in
                let started = SystemClock.monotonicNanoseconds()
                if let microseconds = request.parameters["us"].flatMap(Int64.init), microseconds > 0 {
                    try await Task.sleep(for: .microseconds(min(microseconds, 10_000_000)))
                }
                let took = SystemClock.monotonicNanoseconds() - started
                let uid = JSONText.quoted(request.parameters["uid"] ?? "")
                return HTTPResponse(status: status, json: "{\"uid\": \(uid), \"ns\": \(took)}")
            }
        }
    }

    private struct Boom: Error, CustomStringConvertible {
        let description = "boom"
    }
}
