import Testing

@testable import DemoServer

@Suite("The router")
struct RouterTests {
    private func router() -> Router {
        let router = Router(log: { _ in })
        router.on("GET", "/only-get", name: "get") { _ in HTTPResponse(text: "got") }
        router.on(nil, "/teapot", name: "teapot") { _ in throw HTTPError(status: 418) }
        router.on(nil, "/crash", name: "crash") { _ in throw CancellationError() }
        return router
    }

    private func ask(_ router: Router, _ method: String, _ target: String) async -> (HTTPResponse, String?) {
        let request = HTTPRequest(method: method, target: target, headers: [])
        let response = await router.handle(request)
        return (response, request.routeName)
    }

    @Test("answers 404 and 405 without a route's name, and errors with it")
    func answers() async {
        let router = router()
        let missing = await ask(router, "GET", "/nothing")
        #expect(missing.0.status == 404 && missing.1 == nil)
        let wrong = await ask(router, "POST", "/only-get")
        #expect(wrong.0.status == 405 && wrong.1 == nil)
        #expect(wrong.0.headers.contains { $0.name == "Allow" && $0.value == "GET" })
        let head = await ask(router, "HEAD", "/only-get?x=1#y")
        #expect(head.0.status == 200 && head.1 == "get")
        let teapot = await ask(router, "GET", "http://h/teapot")
        #expect(teapot.0.status == 418 && teapot.1 == "teapot")
        #expect(await ask(router, "GET", "/crash").0.status == 500)
    }

    @Test("runs middleware around every request, unmatched ones and errors included")
    func middleware() async {
        let router = router()
        router.use { request, next in
            do {
                var response = try await next(request)
                response.headers.append(("X-Seen", request.routeName ?? "-"))
                return response
            } catch {
                return HTTPResponse(status: 599, headers: [("X-Seen", "error")])
            }
        }
        router.use { request, next in
            var response = try await next(request)
            response.headers.append(("X-Outer", "1"))
            return response
        }
        #expect(await ask(router, "GET", "/only-get").0.headers.map(\.value).suffix(2) == ["get", "1"])
        #expect(await ask(router, "GET", "/nothing").0.headers.map(\.value).suffix(2) == ["-", "1"])
        #expect(await ask(router, "GET", "/crash").0.status == 599)
    }
}

@Suite("The fields of a form")
struct FormFieldsTests {
    @Test("keep the order of the names, and all values of each")
    func order() {
        let form = FormFields.urlEncoded(Array("b=1&a=2&b=3&c".utf8))
        #expect(form.json == #"{"b": ["1", "3"], "a": ["2"], "c": [""]}"#)
    }

    @Test("are read in one pass, however many names there are")
    func manyNames() {
        // With a search through the names for each field, this takes minutes.
        let body = (0..<200_000).map { "n\($0)=\($0)" }.joined(separator: "&")
        let json = FormFields.urlEncoded(Array(body.utf8)).json
        #expect(json.utf8.count { $0 == UInt8(ascii: "[") } == 200_000)
        #expect(json.hasSuffix(#""n199999": ["199999"]}"#))
    }
}
