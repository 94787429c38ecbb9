import Foundation
import TestSupport
import Testing

@Suite("A CGI program with a spool")
struct CGISpoolTests {
    private func run(_ path: String, backend: String, spool: String) async throws {
        let program = try RunningProgram(
            "DemoCGIApp",
            environment: [
                "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "REQUEST_URI": path, "SCRIPT_NAME": "",
                "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "example.com", "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "example.com", "RA_PROJECT_ID": "p",
                "RA_PROJECT_TOKEN": "tok-s3cr3t", "RA_BACKEND_ENDPOINT": backend, "RA_SPOOL_DIRECTORY": spool,
            ])
        #expect(try await program.end() == 0)
        #expect(program.output.hasPrefix("Status: 200"))
        #expect(program.errors.isEmpty)
    }

    @Test("keeps its event while the backend is away; a later request brings it along")
    func keepsItsEvent() async throws {
        let folder = try TemporaryFolder("cgi")
        let spool = folder.path + "/spool"
        let dead = try ScriptedBackend()
        dead.stop()
        for number in 0..<3 {
            try await run("/hello/\(number)/", backend: dead.endpoint, spool: spool)
        }
        // Three events in one segment, or fewer and longer ones: each process continues what is there.
        try await eventually("the events on disk") {
            folder.names(in: "spool").reduce(0) { sum, name in
                let text = (try? Data(contentsOf: URL(fileURLWithPath: "\(spool)/\(name)"))) ?? Data()
                return sum + String(decoding: text, as: UTF8.self).components(separatedBy: "event_type").count - 1
            } == 3
        }
        let backend = try ScriptedBackend()
        try await run("/hello/last/", backend: backend.endpoint, spool: spool)
        try await eventually("all four") { backend.received.count == 4 }
        let text = backend.received.map(\.text).joined()
        for name in ["0", "1", "2", "last"] { #expect(text.contains("example.com/hello/\(name)/")) }
        try await eventually("an empty spool") { folder.names(in: "spool").isEmpty }
        backend.stop()
    }
}
