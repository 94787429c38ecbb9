import Foundation
import TestSupport
import Testing

@Suite("The stream of live events")
struct LiveStreamTests {
    private func watch(_ handler: HandlerClient, headers: String = "") throws -> RawClient {
        let client = try RawClient(port: handler.port)
        client.send("GET /_live HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n")
        #expect(client.receive(until: "\r\n\r\n").contains("Content-Type: text/event-stream"))
        _ = client.receive(until: "event: hello\ndata: ")
        return client
    }

    @Test("begins with stored events, continues with new ones, and resumes where it was interrupted")
    func follows() async throws {
        let handler = try await HandlerClient()
        try await handler.post([HandlerClient.event(path: "/before")], project: "my%20%22project%22")
        let client = try watch(handler)
        let first = client.receive(until: "\"http://h/before\"")
        #expect(first.contains("data: \"my \\\"project\\\"\"\ndata: {"))
        try await handler.post([HandlerClient.event(path: "/after")])
        let second = client.receive(until: "\"http://h/after\"")
        let identifier = try #require(second.components(separatedBy: "id: ").last?.prefix { $0 != "\n" })
        client.close()
        try await handler.post([HandlerClient.event(path: "/meanwhile")])
        let resumed = try watch(handler, headers: "Last-Event-ID: \(identifier)\r\n")
        let third = resumed.receive(until: "\"http://h/meanwhile\"")
        #expect(!third.contains("/before") && !third.contains("/after"))
        // An event number of another process is not valid here.
        let other = try watch(handler, headers: "Last-Event-ID: x\(identifier)\r\n")
        #expect(other.receive(until: "\"http://h/meanwhile\"").contains("/before"))
        try await handler.program.stop()
    }

    @Test("says what was evicted before a page returned, and nothing of it to a new page")
    func missedMeanwhile() async throws {
        let handler = try await HandlerClient("--keep", "20")
        try await handler.post([HandlerClient.event(path: "/seen")])
        let client = try watch(handler)
        let first = client.receive(until: "\"http://h/seen\"")
        let identifier = try #require(first.components(separatedBy: "id: ").last?.prefix { $0 != "\n" })
        client.close()
        try await handler.post((0..<30).map { try HandlerClient.event(path: "/\($0)") })
        let resumed = try watch(handler, headers: "Last-Event-ID: \(identifier)\r\n")
        #expect(resumed.receive(until: "\"http://h/10\"").contains("event: missed\ndata: 10\n\n"))
        let new = try watch(handler)
        #expect(!new.receive(until: "\"http://h/10\"").contains("missed"))
        try await handler.program.stop()
    }

    @Test("neither blocks nor fills the event handler if a client reads nothing, and reports what that client missed")
    func slowClient() async throws {
        let handler = try await HandlerClient("--keep", "20")
        let slow = try watch(handler)
        let large = try (0..<25).map {
            try HandlerClient.event(path: "/\($0)", agent: String(repeating: "x", count: 40_000))
        }
        let before = handler.program.residentBytes
        for _ in 0..<18 { #expect(try await handler.post(large).hasPrefix("HTTP/1.1 200 ")) }
        // 18 MB were sent; less than 1 MB of it is kept.
        #expect(handler.program.residentBytes - before < 12 << 20)
        #expect(slow.receive(until: "event: missed\ndata: ").hasSuffix("event: missed\ndata: "))
        slow.close()
        #expect(try await handler.program.stop() == 0)
    }

    @Test("ends for clients that go, and when the event handler does")
    func ends() async throws {
        let handler = try await HandlerClient()
        let leaving = try watch(handler)
        let staying = try watch(handler)
        func open() async throws -> Int {
            let text = try await handler.get("/_stats").components(separatedBy: "\"open_connections\": ").last ?? ""
            return Int(text.prefix { $0.isNumber }) ?? -1
        }
        // The request's own connection is one of them.
        try await eventually("three connections") { try await open() == 3 }
        leaving.close()
        try await eventually("two connections") { try await open() == 2 }
        #expect(try await handler.program.stop() == 0)
        #expect(staying.receiveAll().hasSuffix("0\r\n\r\n"))
    }

    @Test("comes with a page that runs nothing but its own script and loads nothing from elsewhere")
    func page() async throws {
        let handler = try await HandlerClient()
        let parts = try await handler.get("/").components(separatedBy: "\"/_page/").dropFirst()
            .map { "/_page/" + $0.prefix { $0 != "\"" } }
        #expect(parts.count > 4)
        let main = try await handler.get("/_page/main.js").components(separatedBy: "from './").dropFirst()
            .map { "/_page/" + $0.prefix { $0 != "'" } }
        #expect(main.count > 8)
        for path in ["/"] + parts + main {
            let type = path.hasSuffix(".css") ? "text/css" : path.hasSuffix(".js") ? "text/javascript" : "text/html"
            let answer = try await handler.get(path)
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("Content-Type: \(type); charset=utf-8"))
            #expect(
                answer.contains(
                    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                        + "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"))
            #expect(answer.contains("X-Content-Type-Options: nosniff"))
            let addresses = answer.components(separatedBy: "http://").dropFirst().map { $0.prefix(11) }
            // SVG's namespace and the URL in the example event are not loaded.
            #expect(addresses.allSatisfy { $0 == "www.w3.org/" || $0 == "example.com" })
            #expect(!answer.contains("https://"))
            for markup in [
                "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", " style=", "onclick", "eval(",
            ] {
                #expect(!answer.contains(markup), "\(path): \(markup)")
            }
        }
        try await handler.program.stop()
    }
}
