import Testing
import TrackerCore

@Suite("A Host value")
struct HostAndPortTests {
    @Test(
        "is split into host and port",
        arguments: [
            ("example.com", "example.com", nil), ("example.com:8080", "example.com", 8080),
            ("[::1]:65535", "::1", 65535),
            ("192.0.2.1:0", "192.0.2.1", 0), ("a_b~c%20", "a_b~c%20", nil), ("example.com:", "example.com", nil),
            ("[2001:db8::1]", "2001:db8::1", nil),
        ] as [(String, String, UInt16?)])
    func valid(text: String, host: String, port: UInt16?) throws {
        let value = try #require(HostAndPort(text))
        #expect(value.bareHost == host && value.port == port)
    }

    @Test(
        "that is not valid is refused, also by the fast check",
        arguments: [
            "", ":80", "a:65536", "a:000080", "a:99999999999999999999", "a:8x", "a:80:80", "a b", "a/b", "a@b", "[::1",
            "[::1]x",
            "[g::]",
            "::1", "é.example", "a:-1", "a%2", String(repeating: "a", count: 256),
        ])
    func invalid(text: String) {
        #expect(HostAndPort(text) == nil && !HostAndPort.isPlain(text))
    }

    @Test("passes the fast check only if it is valid")
    func plain() {
        for text in [
            "example.com", "EXAMPLE-1.com:443", "192.0.2.1:65535", "localhost:", String(repeating: "a", count: 255),
        ] {
            #expect(HostAndPort.isPlain(text) && HostAndPort(text) != nil)
        }
        for text in ["[::1]", "a_b"] { #expect(!HostAndPort.isPlain(text) && HostAndPort(text) != nil) }
    }
}
