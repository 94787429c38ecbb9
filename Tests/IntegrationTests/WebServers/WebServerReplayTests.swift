import Foundation
import TestSupport
import Testing

@Suite(
    "The CGI demo behind nginx, asked what the Python package's site was asked", .serialized,
    .enabled(if: WebServerSetup.areWanted, "\(WebServerSetup.reason)"))
struct WebServerReplayTests {
    @Test("gives the recorded events", arguments: [WebServerSetup.nginxTCP, .nginxUnix])
    func replay(setup: WebServerSetup) async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let endpoint = "http://127.0.0.1:\(try await handler.port(after: "listens on"))"
        let site = try await ServedDemo(setup, endpoint: endpoint, settings: ["RA_PRIVACY": "none"])
        var replay = CGIReplay(port: site.port)
        let expected = try replay.send()
        try await eventually(within: .seconds(20), "\(expected.count) events") { handler.lines.count >= expected.count }
        try replay.compare(expected, handler.lines.compactMap(PrintedEvent.init))
        try await site.stop()
        try await handler.stop()
    }
}
