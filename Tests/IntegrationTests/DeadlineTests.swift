import Foundation
import TestSupport
import Testing

/// A name server that receives queries and never answers.
private final class SilentNameServer {
    private let descriptor: Int32

    /// - Returns: nil if this process can't use port 53 of the address.
    init?(address: String) {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = UInt16(53).bigEndian
        inet_pton(AF_INET, address, &name.sin_addr)
        let code = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code != 0 { return nil }
    }

    deinit { close(descriptor) }
}

@Suite("A shutdown's deadline")
struct DeadlineTests {
    private static let settings = [
        "RA_SHUTDOWN_TIMEOUT": "1", "RA_CONNECT_TIMEOUT": "300", "RA_REQUEST_TIMEOUT": "300",
    ]

    /// From half of the deadline, less the time reserved for writing a spool, because the backend accepts nothing; to
    /// the deadline, the two seconds that a busy machine may need for the spool, and a second for the measurement.
    private static let milliseconds = 390...4_000 * TestTimeout.scale

    /// Shuts down with a deadline of one second, while the network timeouts are five minutes, and checks that all
    /// events are accounted for.
    private func shutDown(_ sender: Sender, spools: Bool) async throws {
        try await sender.ask("capture 300")
        let answer = try await sender.ask("shutdown")
        // The process's own time, because other tests can delay this one.
        let took = try #require(Int(try await sender.ask("took")))
        // With a spool, all may be on disk before the shutdown begins.
        let least = spools ? 0 : Self.milliseconds.lowerBound
        #expect((least...Self.milliseconds.upperBound).contains(took), "\(took) ms")
        if spools {
            // On a busy machine, the last of them may reach the disk a little after the deadline.
            #expect(answer.hasPrefix("delivered 0 spooled ") && answer.contains(" dropped 0 "))
            try await eventually("the spool") { try await sender.ask("stats").hasSuffix("pending 0, spooled 300") }
        } else {
            #expect(answer == "delivered 0 spooled 0 dropped 300 pending 0")
        }
        let ending = ContinuousClock.now
        #expect(try await sender.finish() == 0)
        #expect(try #require(sender.process.endedAt) - ending < .milliseconds(Self.milliseconds.upperBound))
    }

    @Test("holds when the backend says nothing, over http and in a TLS handshake", arguments: ["http", "https"])
    func silence(scheme: String) async throws {
        let backend = try ScriptedBackend { _ in .silence }
        for spools in [false, true] {
            let folder = try TemporaryFolder("deadline")
            var settings = Self.settings
            if spools { settings["RA_SPOOL_DIRECTORY"] = folder.path + "/spool" }
            let sender = try Sender("silence", endpoint: "\(scheme)://127.0.0.1:\(backend.port)", settings: settings)
            try await shutDown(sender, spools: spools)
        }
        backend.stop()
    }

    @Test("holds when the backend's name is never resolved", .enabled(if: Mounting.isAllowed, "needs to mount"))
    func silentNameServer() async throws {
        let address = "127.0.0.77"
        let server = SilentNameServer(address: address)
        try #require(server != nil)
        let folder = try TemporaryFolder("deadline")
        try Data("nameserver \(address)\noptions timeout:30 attempts:5\n".utf8).write(
            to: URL(fileURLWithPath: folder.path + "/resolv.conf"))
        let program = try RunningProgram.path(of: "DeliveryProcess")
        let sender = try Sender(
            "names", endpoint: "http://backend.example.com", settings: Self.settings,
            command: [
                try #require(Tool.find("unshare")), "--mount", "sh", "-c",
                "mount --bind '\(folder.path)/resolv.conf' \"$(readlink -f /etc/resolv.conf)\" && exec '\(program)' names",
            ])
        try await shutDown(sender, spools: false)
        withExtendedLifetime(server) {}
    }
}
