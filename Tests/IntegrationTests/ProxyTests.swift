import Foundation
import TestSupport
import Testing

@Suite("A proxy")
struct ProxyTests {
    @Test(
        "that the environment names is used, but for HTTP_PROXY", arguments: ["http_proxy", "all_proxy", "ALL_PROXY"])
    func named(variable: String) async throws {
        let proxy = try ScriptedBackend()
        let sender = try Sender(
            "proxy", endpoint: "http://backend.test",
            settings: [variable: proxy.endpoint, "HTTP_PROXY": "http://no.test"])
        try await sender.ask("capture 3")
        try await eventually("the events") { proxy.received.count == 3 }
        #expect(proxy.received.allSatisfy { $0.line.hasPrefix("POST http://backend.test") }, "\(proxy.received)")
        #expect(try await sender.ask("flush 5").hasPrefix("delivered"))
        #expect(try await sender.finish() == 0)
        proxy.stop()
    }

    @Test("that opens a tunnel has not delivered anything yet")
    func tunnel() async throws {
        // Answers CONNECT and leaves the TLS handshake alone.
        let proxy = try ScriptedBackend()
        let sender = try Sender(
            "tunnel", endpoint: "https://backend.test", settings: ["https_proxy": proxy.endpoint, "RETRY_CAP": "100"])
        try await sender.ask("capture 3")
        try await eventually("the tunnel") { proxy.received.contains { $0.line.hasPrefix("CONNECT backend.test:443") } }
        #expect(try await sender.ask("flush 1") == "delivered 0 spooled 0 dropped 0 pending 3")
        proxy.stop()
        try await sender.ask("shutdown")
        #expect(try await sender.counts().delivered == 0)
        #expect(try await sender.finish() == 0)
    }

    @Test("that opens no tunnel is named in the log, and its refusal drops nothing", arguments: [407, 403])
    func noTunnel(status: Int) async throws {
        let proxy = try ScriptedBackend { _ in .status(status) }
        let sender = try Sender(
            "tunnel", endpoint: "https://backend.test", settings: ["https_proxy": proxy.endpoint, "RETRY_CAP": "100"])
        try await sender.ask("capture 3")
        try await eventually("the log") { sender.process.errors.contains("a proxy answered \(status)") }
        #expect(try await sender.counts().pending == 3)
        proxy.stop()
        try await sender.ask("shutdown")
        #expect(try await sender.finish() == 0)
    }

    @Test("that a CGI client may have named is not", arguments: ["HTTP_PROXY", "no_proxy"])
    func notNamed(variable: String) async throws {
        let backend = try ScriptedBackend()
        let sender = try Sender("proxy", endpoint: backend.endpoint, settings: [variable: "http://no.test"])
        try await sender.ask("capture 3")
        try await eventually("the events") { backend.received.count == 3 }
        #expect(backend.received.allSatisfy { $0.line.hasPrefix("POST /") }, "\(backend.received)")
        #expect(try await sender.finish() == 0)
        backend.stop()
    }
}
