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

    private static func asks(port: UInt16, prefix: String) -> [Ask] {
        let host = "127.0.0.1:\(port)"
        func get(_ target: String, host: String, method: String = "GET") -> String {
            "\(method) \(prefix)\(target) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
        }
        let form = "a=1&b=two+words"
        return [
            Ask(request: get("/", host: host), status: 200, view: "home", url: "http://\(host)\(prefix)/"),
            Ask(
                request: get("/", host: host, method: "HEAD"), status: 200, view: "home",
                url: "http://\(host)\(prefix)/"),
            Ask(
                request: get("/hello/bob/?a=1&b=%20", host: host), status: 200, view: "hello",
                url: "http://\(host)\(prefix)/hello/bob/?a=1&b=%20"),
            Ask(
                request:
                    "POST \(prefix)/form/ HTTP/1.1\r\nHost: \(host)\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                    + "Content-Length: \(form.utf8.count)\r\nConnection: close\r\n\r\n\(form)",
                status: 200, view: "form", url: "http://\(host)\(prefix)/form/"),
            Ask(
                request:
                    "POST \(prefix)/echo HTTP/1.1\r\nHost: \(host)\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                    + "5\r\nchunk\r\n4\r\n-end\r\n0\r\n\r\n",
                status: 200, view: "echo", url: "http://\(host)\(prefix)/echo"),
            Ask(
                request: get("/bp/in/", host: host), status: 200, view: "bp.inner",
                url: "http://\(host)\(prefix)/bp/in/"),
            Ask(request: get("/nope", host: host), status: 404, view: nil, url: "http://\(host)\(prefix)/nope"),
            Ask(
                request: get("/hello/x/", host: host, method: "DELETE"), status: 405, view: nil,
                url: "http://\(host)\(prefix)/hello/x/"),
            Ask(request: get("/boom/", host: host), status: 500, view: "boom", url: "http://\(host)\(prefix)/boom/"),
            Ask(request: get("/redir/", host: host), status: 302, view: "redir", url: "http://\(host)\(prefix)/redir/"),
            Ask(
                request: get("/any/caf%C3%A9%20a%2Fb%3Fc%25d;x=1?q=%26", host: host), status: 200, view: "anything",
                url: "http://\(host)\(prefix)/any/caf%C3%A9%20a%2Fb%3Fc%25d;x=1?q=%26"),
            // A query without "=" becomes a CGI program's arguments (RFC 3875, section 4.4): the client controls these.
            Ask(
                request: get("/?--describe", host: host), status: 200, view: "home",
                url: "http://\(host)\(prefix)/?--describe"),
            Ask(
                request: get("/?--fastcgi+127.0.0.1:0", host: host), status: 200, view: "home",
                url: "http://\(host)\(prefix)/?--fastcgi+127.0.0.1:0"),
            Ask(request: get("/", host: "app.test"), status: 200, view: "home", url: "http://app.test\(prefix)/"),
            Ask(request: get("/", host: "app.test:8"), status: 200, view: "home", url: "http://app.test:8\(prefix)/"),
            Ask(
                request: get("/?v=6", host: "[::1]:\(port)"), status: 200, view: "home",
                url: "http://[::1]:\(port)\(prefix)/?v=6"),
            Ask(
                request: get("/hello/s/", host: "app.test"), isSecure: true, status: 200, view: "hello",
                url: "https://app.test\(prefix)/hello/s/"),
            Ask(
                request: get("/", host: "[::1]:8443"), isSecure: true, status: 200, view: "home",
                url: "https://[::1]:8443\(prefix)/"),
        ]
    }

    @Test("a web server gives an event for each request, with the right address", arguments: WebServerSetup.allCases)
    func events(setup: WebServerSetup) async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let handlerPort = try await handler.port(after: "listens on")
        let site = try await ServedDemo(setup, endpoint: "http://127.0.0.1:\(handlerPort)")
        let asks = Self.asks(port: site.port, prefix: setup.prefix)
        for ask in asks {
            let answer = try site.ask(ask.request, port: ask.isSecure ? site.securePort : nil)
            #expect(answer.hasPrefix("HTTP/1.1 \(ask.status) "), "\(ask.request): \(answer.prefix(200)) \(site.log)")
            #expect(answer.contains("Set-Cookie: ra_session_id="), "\(ask.request)")
            #expect(answer.contains("; Secure") == ask.isSecure)
            if ask.view == "echo" { #expect(answer.contains("chunk-end"), "\(answer)") }
        }
        try await eventually("\(asks.count) events") {
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

    @Test("a web server passes bodies of any size in both directions", arguments: WebServerSetup.allCases)
    func bodies(setup: WebServerSetup) async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0", "--quiet"])
        let handlerPort = try await handler.port(after: "listens on")
        let site = try await ServedDemo(setup, endpoint: "http://127.0.0.1:\(handlerPort)")
        for size in [0, 1, 65_535, 65_536, 3_000_000] {
            let client = try RawClient(port: site.port)
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let head =
                "POST \(setup.prefix)/echo HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\nConnection: close\r\n\r\n"
            // The echo responds while the body is being sent, so send and receive concurrently.
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
            // Compared outside the expectation, which would diff millions of bytes for hours.
            let isSame = (isChunked ? RawClient.dechunked(received) : received) == body
            #expect(isSame, "\(size) bytes: \(String(decoding: answer.prefix(300), as: UTF8.self))")
        }
        let big = try site.ask("GET \(setup.prefix)/big?n=5000000 HTTP/1.0\r\nHost: h\r\n\r\n")
        #expect(big.components(separatedBy: "\r\n\r\n").last?.utf8.count == 5_000_000)
        try await site.stop()
        try await handler.stop()
    }

    @Test(
        "a web server serves the app's root where it is asked for without a slash",
        arguments: WebServerSetup.allCases.filter(\.isProgram))
    func rootWithoutSlash(setup: WebServerSetup) async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let site = try await ServedDemo(
            setup, endpoint: "http://127.0.0.1:\(try await handler.port(after: "listens on"))")
        let answer = try site.ask("GET \(setup.prefix)?a=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer.prefix(200)) \(site.log)")
        try await eventually("the event") { handler.lines.count == 1 }
        let event = PrintedEvent(handler.lines[0])
        #expect(event?.viewName == "home")
        #expect(event?.url == "http://h\(setup.prefix)?a=1")
        try await site.stop()
        try await handler.stop()
    }

    @Test(
        "a web server lets the client tell an answer that broke off from a complete one, and so does the event",
        arguments: [.nginxTCP, .nginxUnix, .nginxBuffered, .nginxSpawn, .nginxLocation, .apacheProxy, .lighttpdFastCGI]
            as [WebServerSetup],
        [100, 200_000])
    func brokenAnswer(setup: WebServerSetup, count: Int) async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let site = try await ServedDemo(
            setup, endpoint: "http://127.0.0.1:\(try await handler.port(after: "listens on"))")
        // How much of the end the web server reads at once varies.
        for _ in 0..<8 {
            let answer = try site.ask(
                "GET \(setup.prefix)/break?after=\(count) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let isCut =
                answer.lowercased().contains("\r\ntransfer-encoding: chunked\r\n")
                && !answer.hasSuffix("\r\n0\r\n\r\n")
            #expect(isCut || answer.isEmpty || answer.hasPrefix("HTTP/1.1 50"), "\(answer.prefix(300))")
        }
        try await eventually("the events") { handler.lines.count == 8 }
        #expect(handler.lines.allSatisfy { PrintedEvent($0)?.status == 500 })
        try await site.stop()
        try await handler.stop()
    }
}
