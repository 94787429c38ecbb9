import Foundation
import TestSupport
import Testing

@Suite("The event handler answers")
struct EventHandlerAccessTests {
    /// All paths that can be requested.
    private static let paths = ["/", "/_page/main.js", "/_live", "/_stats", "/_events?before=1", "/p/events", "/p"]

    @Test("accepts only its own host names, on every path")
    func hosts() async throws {
        let handler = try await HandlerClient()
        try await handler.post([HandlerClient.event(token: "s3cr3t")])
        for host in [
            "localhost:\(handler.port)", "127.0.0.1", "127.1.2.3:1", "[::1]:80", "app.localhost", "LOCALHOST.",
        ] {
            #expect(try await handler.get("/p/events", host: host).hasPrefix("HTTP/1.1 200 "), "\(host)")
        }
        for host in [
            "attacker.example", "127.0.0.1.attacker.example", "attacker.example:\(handler.port)", "localhost.example",
            "[anything", "[anything]", "[::1]x", "[::1", "", "10.0.0.1", "localhost:port", "localhost@attacker.example",
            "127.1", "0.0.0.0", "[::2]",
        ] {
            for path in Self.paths {
                let answer = try await handler.get(path, host: host)
                #expect(answer.hasPrefix("HTTP/1.1 403 ") || answer.hasPrefix("HTTP/1.1 400 "), "\(host) \(path)")
                #expect(!answer.contains("s3cr3t") && !answer.contains("page_view"))
            }
            let event = try HandlerClient.event()
            #expect(try await handler.post([event], host: host).hasPrefix("HTTP/1.1 200 ") == false, "\(host)")
        }
        #expect(try await handler.events().count == 1)
        let advice =
            "EventHandler refused a request: Host \"attacker.example\" is not allowed; "
            + "to allow a name, start the event handler with --allow-host NAME"
        try await eventually("the log") { handler.program.errors.contains(advice) }
        #expect(handler.program.errors.components(separatedBy: advice).count == 2)
        try await handler.program.stop()
    }

    @Test("names that were allowed, and any address by number where it listens on all")
    func allowed() async throws {
        let handler = try await HandlerClient("--allow-host", "handler,shop.tunnel.example,192.0.2.7")
        for host in ["handler:8001", "Shop.Tunnel.example", "192.0.2.7:80", "localhost"] {
            #expect(try await handler.get("/_stats", host: host).hasPrefix("HTTP/1.1 200 "), "\(host)")
        }
        for host in ["tunnel.example", "other", "192.0.2.8"] {
            #expect(try await handler.get("/_stats", host: host).hasPrefix("HTTP/1.1 403 "), "\(host)")
        }
        try await handler.program.stop()
        let everywhere = try await HandlerClient("--host", "0.0.0.0")
        for host in ["192.0.2.7:80", "[2001:db8::1]", "localhost"] {
            #expect(try await everywhere.get("/_stats", host: host).hasPrefix("HTTP/1.1 200 "), "\(host)")
        }
        #expect(try await everywhere.get("/_stats", host: "devbox.example").hasPrefix("HTTP/1.1 403 "))
        try await everywhere.program.stop()
    }

    @Test("accepts only pages of its own origin")
    func origins() async throws {
        let handler = try await HandlerClient()
        let event = try HandlerClient.event()
        for origin in [
            "http://attacker.example", "null", "http://localhost:1", "http://127.0.0.1", "file://",
            "http://127.0.0.1:1",
        ] {
            let answer = try await handler.post([event], headers: ["Origin: \(origin)"], host: "127.0.0.1:8001")
            #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(origin)")
        }
        for origin in ["http://127.0.0.1:8001", "https://127.0.0.1:8001"] {
            let answer = try await handler.post([event], headers: ["Origin: \(origin)"], host: "127.0.0.1:8001")
            #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(origin)")
        }
        for site in ["cross-site", "same-site"] {
            let fetched = try await handler.get(
                "/p/events", headers: ["Sec-Fetch-Site: \(site)", "Sec-Fetch-Mode: no-cors"])
            #expect(fetched.hasPrefix("HTTP/1.1 403 "))
            let followed = try await handler.get("/", headers: ["Sec-Fetch-Site: \(site)", "Sec-Fetch-Mode: navigate"])
            #expect(followed.hasPrefix("HTTP/1.1 200 "))
        }
        try await handler.program.stop()
    }

    @Test("responds 415 to a content type that is not an event's")
    func contentTypes() async throws {
        let handler = try await HandlerClient()
        let event = try HandlerClient.event()
        for type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", ""] {
            let answer = try await handler.post([event], type: type)
            #expect(answer.hasPrefix("HTTP/1.1 415 ") && answer.contains("application/x-ndjson"), "\(type)")
        }
        for type in ["application/json", "Application/JSON; charset=utf-8", "application/x-ndjson;x=y"] {
            #expect(try await handler.post([event], type: type).hasPrefix("HTTP/1.1 200 "), "\(type)")
        }
        #expect(try await handler.events().count == 3)
        try await handler.program.stop()
    }

    @Test("with events that have no token")
    func token() async throws {
        let folder = try TemporaryFolder()
        let handler = try await HandlerClient("--project-token", "s3\"cr3t", "--store", folder.path + "/events")
        try await handler.post([HandlerClient.event(token: "s3\"cr3t")])
        let wrong = try await handler.post([HandlerClient.event(token: "gu3ss")])
        #expect(wrong.hasPrefix("HTTP/1.1 401 ") && !wrong.contains("gu3ss"))
        for path in ["/p", "/p/events", "/_events?before=9", "/_stats"] {
            let answer = try await handler.get(path)
            #expect(
                answer.hasPrefix("HTTP/1.1 200 ") && !answer.contains("cr3t") && !answer.contains("gu3ss"), "\(path)")
        }
        #expect(try await handler.get("/_stats").contains("\"wrong_token\": 1"))
        let stream = try RawClient(port: handler.port)
        stream.send("GET /_live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let text = stream.receive(until: "\"http://h/\"")
        #expect(text.contains("\"wrongToken\":1") && text.contains("\"checksToken\":true") && !text.contains("cr3t"))
        stream.close()
        try await handler.program.stop()
        let file = try String(contentsOfFile: folder.path + "/events", encoding: .utf8)
        #expect(file.contains("page_view") && !file.contains("cr3t"))
    }
}
