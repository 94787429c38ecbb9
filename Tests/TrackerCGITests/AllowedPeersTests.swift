import Testing
import TrackerCore

@testable import TrackerCGI

@BlockingTests
@Suite("FCGI_WEB_SERVER_ADDRS")
struct AllowedPeersTests {
    /// A connection from 127.0.0.1, as a server sees it.
    private static func connection() throws -> (Descriptor, FastCGIClient) {
        let (number, port) = try TCPListener.open(host: "127.0.0.1", port: 0)
        let listener = Descriptor(number)
        let client = try FastCGIClient(port: port)
        guard listener.wait(toWrite: false, milliseconds: 60_000),
            let accepted = try TCPListener.accept(number, nonBlocking: true)
        else { throw FastCGIClient.Failure(text: "no connection") }
        return (Descriptor(accepted), client)
    }

    @Test(
        "lets in who is in it, by address or name, and nobody where it is empty",
        arguments: [
            (nil, true), ("", false), (" ", false), (",", false), ("127.0.0.1", true), ("localhost", true),
            ("10.0.0.1, 127.0.0.1", true), ("::ffff:127.0.0.1", true), ("10.0.0.1", false), ("::1", false),
            ("no.such.host.invalid", false), ("127.0.0.1x", false),
        ] as [(String?, Bool)])
    func list(list: String?, isAllowed: Bool) throws {
        let (connection, client) = try Self.connection()
        #expect(AllowedPeers(list).mayConnect(connection) == isAllowed)
        withExtendedLifetime(client) {}
    }

    @Test("names what it cannot find")
    func unknown() {
        var names: [String] = []
        _ = AllowedPeers("127.0.0.1, no.such.host.invalid") { names.append($0) }
        #expect(names == ["no.such.host.invalid"])
    }
}
