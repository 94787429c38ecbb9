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
