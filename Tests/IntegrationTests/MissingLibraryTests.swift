import Foundation
import TestSupport
import Testing

@Suite("Without libcurl", .enabled(if: Mounting.isAllowed, "needs the right to mount in a namespace of its own"))
struct MissingLibraryTests {
    @Test("the app works, one line names the package to install, and events are counted")
    func clearError() async throws {
        let probe = try RunningProgram("EventHandler", ["--version"])
        #expect(try await probe.end() == 0)
        let unshare = try #require(Tool.find("unshare"))
        let demo = try RunningProgram.path(of: "DemoRouterApp")
        let hide = """
            for file in $(ldconfig -p | sed -n 's/.*=> \\(.*libcurl.*\\)$/\\1/p'); do mount --bind /dev/null "$file"; done
            exec "\(demo)" --port 0
            """
        let running = try RunningProgram(
            unshare, ["--mount", "sh", "-c", hide],
            environment: [
                "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": "http://127.0.0.1:9",
                "PATH": (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin:/sbin",
            ])
        let client = try RawClient(port: try await running.port(after: "Open http"))
        for _ in 0..<3 {
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
        }
        try await eventually("the log line") { running.errors.contains("apt-get install libcurl4") }
        #expect(try await running.stop() == 0)
        #expect(running.errors.components(separatedBy: "apt-get install libcurl4").count == 2)
        #expect(running.errors.contains("transport_unavailable 3"))
    }
}
