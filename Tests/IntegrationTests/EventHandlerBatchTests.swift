import Foundation
import TestSupport
import Testing

@Suite("One event handler shows both ways of delivery")
struct EventHandlerBatchTests {
    @Test("takes every event of a busy process", arguments: [[], ["--no-batch"]])
    func takesAll(arguments: [String]) async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"] + arguments)
        let endpoint = "http://127.0.0.1:\(try await handler.port(after: "listens on"))"
        let sender = try Sender("busy", endpoint: endpoint, settings: ["RA_SHUTDOWN_TIMEOUT": "60"])
        try await sender.ask("capture 1")
        try await sender.ask("flush 10")
        try await sender.ask("capture 20000")
        #expect(try await sender.ask("shutdown", within: TestTimeout.standard * 3).hasSuffix("dropped 0 pending 0"))
        #expect(try await sender.finish() == 0)
        try await eventually("all events") { handler.lines.count == 20_001 }
        #expect(Set(handler.lines.compactMap { PrintedEvent($0)?.url }).count == 20_001)
        try await handler.stop()
    }
}
