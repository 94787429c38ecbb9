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
        let host = "http://127.0.0.1:18802"
        let replay = CGIReplay(
            port: site.port, serverName: "localhost",
            refused: ["path-ctl-nul", "host-bad", "host-missing-11", "asterisk-form"],
            accepted: [
                "q-raw-utf8": "\(host)/?q=%C3%A9", "path-raw-utf8": "\(host)/any/caf%C3%A9", "hdr-control": "\(host)/",
            ],
            // nginx drops header names with characters other than letters, digits and hyphens.
            adjustHeaders: { id, headers in if id == "hdr-case" { headers["HTTP_X.DOT!#$%&'*+^`|~"] = nil } })
        let expected = try replay.send()
        try await eventually("\(expected.count) events") { handler.lines.count >= expected.count }
        try replay.compare(expected, handler.lines.compactMap(PrintedEvent.init))
        try await site.stop()
        try await handler.stop()
    }
}
