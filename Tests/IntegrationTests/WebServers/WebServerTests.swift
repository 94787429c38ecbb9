import Foundation
import TestSupport
import Testing

@Suite("The demo behind", .serialized, .enabled(if: WebServerSetup.areWanted, "\(WebServerSetup.reason)"))
struct WebServerTests {
    private struct Ask {
        var request: String
        var isSecure = false
        var status: Int
        var view: String?
        var url: String
    }

    private static func asks(port: UInt16) -> [Ask] {
        let host = "127.0.0.1:\(port)"
        func get(_ target: String, host: String, method: String = "GET") -> String {
            "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
        }
        let form = "a=1&b=two+words"
        return [
            Ask(request: get("/", host: host), status: 200, view: "home", url: "http://\(host)/"),
            Ask(request: get("/", host: host, method: "HEAD"), status: 200, view: "home", url: "http://\(host)/"),
            Ask(
                request: get("/hello/bob/?a=1&b=%20", host: host), status: 200, view: "hello",
                url: "http://\(host)/hello/bob/?a=1&b=%20"),
            Ask(
                request: "POST /form/ HTTP/1.1\r\nHost: \(host)\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                    + "Content-Length: \(form.utf8.count)\r\nConnection: close\r\n\r\n\(form)",
                status: 200, view: "form", url: "http://\(host)/form/"),
            Ask(
                request:
                    "POST /echo HTTP/1.1\r\nHost: \(host)\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                    + "5\r\nchunk\r\n4\r\n-end\r\n0\r\n\r\n",
                status: 200, view: "echo", url: "http://\(host)/echo"),
            Ask(request: get("/bp/in/", host: host), status: 200, view: "bp.inner", url: "http://\(host)/bp/in/"),
            Ask(request: get("/nope", host: host), status: 404, view: nil, url: "http://\(host)/nope"),
            Ask(
                request: get("/hello/x/", host: host, method: "DELETE"), status: 405, view: nil,
                url: "http://\(host)/hello/x/"),
            Ask(request: get("/boom/", host: host), status: 500, view: "boom", url: "http://\(host)/boom/"),
            Ask(request: get("/redir/", host: host), status: 302, view: "redir", url: "http://\(host)/redir/"),
            Ask(
                request: get("/any/caf%C3%A9%20a%2Fb%3Fc%25d;x=1?q=%26", host: host), status: 200, view: "anything",
                url: "http://\(host)/any/caf%C3%A9%20a%2Fb%3Fc%25d;x=1?q=%26"),
            // A query without "=" becomes a CGI program's arguments (RFC 3875 section 4.4): a visitor's, not its owner's.
            Ask(
                request: get("/?--describe", host: host), status: 200, view: "home", url: "http://\(host)/?--describe"),
            Ask(
                request: get("/?--fastcgi+127.0.0.1:0", host: host), status: 200, view: "home",
                url: "http://\(host)/?--fastcgi+127.0.0.1:0"),
            Ask(request: get("/", host: "app.test"), status: 200, view: "home", url: "http://app.test/"),
            Ask(request: get("/", host: "app.test:8"), status: 200, view: "home", url: "http://app.test:8/"),
            Ask(
                request: get("/?v=6", host: "[::1]:\(port)"), status: 200, view: "home",
                url: "http://[::1]:\(port)/?v=6"),
            Ask(
                request: get("/hello/s/", host: "app.test"), isSecure: true, status: 200, view: "hello",
                url: "https://app.test/hello/s/"),
            Ask(
                request: get("/", host: "[::1]:8443"), isSecure: true, status: 200, view: "home",
                url: "https://[::1]:8443/"),
        ]
    }

    @Test("a web server gives an event for each request, with the right address", arguments: WebServerSetup.allCases)
    func events(setup: WebServerSetup) async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let handlerPort = try await handler.port(after: "listens on")
        let site = try await ServedDemo(setup, endpoint: "http://127.0.0.1:\(handlerPort)")
        let asks = Self.asks(port: site.port)
        for ask in asks {
            let answer = try site.ask(ask.request, port: ask.isSecure ? site.securePort : nil)
            #expect(answer.hasPrefix("HTTP/1.1 \(ask.status) "), "\(ask.request): \(answer.prefix(200)) \(site.log)")
            #expect(answer.contains("Set-Cookie: ra_session_id="), "\(ask.request)")
            #expect(answer.contains("; Secure") == ask.isSecure)
            if ask.view == "echo" { #expect(answer.contains("chunk-end"), "\(answer)") }
        }
        try await eventually(within: .seconds(60), "\(asks.count) events") {
            handler.lines.count >= asks.count
        }
        let events = handler.lines.compactMap(PrintedEvent.init).sorted {
            ($0.data["time_request_received_ns"] as? Int ?? 0) < ($1.data["time_request_received_ns"] as? Int ?? 0)
        }
        #expect(events.count == asks.count)
        for (ask, event) in zip(asks, events) {
            #expect(event.status == ask.status, "\(ask.request)")
            #expect(event.viewName == ask.view, "\(ask.request)")
            #expect(event.url == ask.url, "\(ask.request)")
        }
        try await site.stop()
        try await handler.stop()
    }

    @Test("a web server passes bodies of any size both ways", arguments: WebServerSetup.allCases)
    func bodies(setup: WebServerSetup) async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0", "--quiet"])
        let handlerPort = try await handler.port(after: "listens on")
        let site = try await ServedDemo(setup, endpoint: "http://127.0.0.1:\(handlerPort)")
        for size in [0, 1, 65_535, 65_536, 3_000_000] {
            let client = try RawClient(port: site.port)
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let head = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\nConnection: close\r\n\r\n"
            // An echo answers while it is sent to; nobody may wait for the other.
            Thread.detachNewThread { client.send(Array(head.utf8) + body) }
            var answer: [UInt8] = []
            while true {
                let piece = client.receive()
                if piece.isEmpty { break }
                answer += piece
            }
            let end = try #require(Data(answer).range(of: Data("\r\n\r\n".utf8)), "\(size) bytes: \(site.log)")
            let isChunked = String(decoding: answer[..<end.lowerBound], as: UTF8.self).lowercased().contains("chunked")
            let received = Array(answer[end.upperBound...])
            #expect((isChunked ? RawClient.dechunked(received) : received) == body, "\(size) bytes")
        }
        let big = try site.ask("GET /big?n=5000000 HTTP/1.0\r\nHost: h\r\n\r\n")
        #expect(big.components(separatedBy: "\r\n\r\n").last?.utf8.count == 5_000_000)
        try await site.stop()
        try await handler.stop()
    }
}
