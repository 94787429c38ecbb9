import TestSupport
import Testing

@Suite("A CGI program with a spool")
struct CGISpoolTests {
    @Test("keeps its event while the backend is down; a later request delivers it")
    func keepsItsEvent() async throws {
        let dead = try ScriptedBackend()
        dead.stop()
        let program = try CGIProgram(endpoint: dead.endpoint)
        let settings = ["RA_SPOOL_DIRECTORY": program.folder.path + "/spool"]
        for number in 0..<3 { #expect(CGIProgram.lost(in: try await program.run("/hello/\(number)/", settings)) == 0) }
        // Three events in one segment, or fewer and longer ones: each process continues an existing one.
        try await eventually("the events on disk") { program.spooled(in: "spool") == 3 }
        let backend = try ScriptedBackend()
        let later = settings.merging(["RA_BACKEND_ENDPOINT": backend.endpoint]) { $1 }
        #expect(CGIProgram.lost(in: try await program.run("/hello/last/", later)) == 0)
        try await eventually("all four") { backend.received.count == 4 }
        let text = backend.received.map(\.text).joined()
        for name in ["0", "1", "2", "last"] { #expect(text.contains("example.com/hello/\(name)/")) }
        try await eventually("an empty spool") { program.folder.names(in: "spool").isEmpty }
        backend.stop()
    }
}
