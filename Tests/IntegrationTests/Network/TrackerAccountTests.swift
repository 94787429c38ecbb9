import Foundation
import TestSupport
import Testing

@Suite("What a tracker counts")
struct TrackerAccountTests {
    @Test("adds up at every moment, and comes to rest at zero", arguments: [false, true])
    func identity(takesBatches: Bool) async throws {
        let folder = try TemporaryFolder("account")
        let sink = try EventSink(takesBatches: takesBatches)
        let sender = try Sender(
            "sum", endpoint: sink.endpoint,
            settings: [
                "RA_SPOOL_DIRECTORY": folder.path + "/spool", "RA_SPOOL_AFTER": "50ms", "RA_QUEUE_CAPACITY": "300",
                "RETRY_CAP": "100",
            ])
        try await sender.ask("watch")
        for script in [
            EventSink.share(0, .closes), EventSink.share(30, .status(503)), EventSink.share(30, .closes),
            EventSink.share(30, .status(400)), EventSink.share(100, .status(503)),
        ] {
            sink.answer(script)
            try await sender.ask("capture 500")
            try await sender.ask("pace 300 1")
        }
        sink.answer { _ in .status(200) }
        try await eventually(within: .seconds(30), "the end") {
            _ = try await sender.ask("flush 1")
            let counts = try await sender.counts()
            return counts.pending == 0 && counts.spooled == 0
        }
        let watched = try await sender.ask("watched")
        #expect(watched.contains("broken 0"), "\(watched)")
        let counts = try await sender.counts()
        #expect(counts.captured == 4000 && counts.delivered + counts.dropped == 4000, "\(counts)")
        #expect(sink.tally.delivered.count == counts.delivered)
        try await sender.ask("shutdown")
        #expect(try await sender.ask("watched").contains("broken 0"))
        #expect(try await sender.finish() == 0)
    }

    enum WayOut: String, CaseIterable, Sendable {
        case delivered, batched, rejected, spooled
    }

    @Test("releases the bytes of events, whatever their outcome", arguments: WayOut.allCases)
    func bytesComeBack(way: WayOut) async throws {
        let folder = try TemporaryFolder("bytes")
        let sink = try EventSink(takesBatches: way == .batched) { _ in
            way == .rejected ? .status(400) : way == .spooled ? .status(503) : .status(200)
        }
        var settings = ["RA_QUEUE_MAXIMUM_BYTES": "65536", "RA_SPOOL_AFTER": "0", "RETRY_CAP": "100"]
        if way == .spooled { settings["RA_SPOOL_DIRECTORY"] = folder.path + "/spool" }
        let sender = try Sender("bytes", endpoint: sink.endpoint, settings: settings)
        var sent = 0
        var refused = 0
        func settle() async throws {
            try await eventually(within: .seconds(30), "rest") {
                if way != .spooled { _ = try await sender.ask("flush 1") }
                return try await sender.counts().pending == 0
            }
        }
        for _ in 0..<30 {
            try await sender.ask("capture 50")
            sent += 50
            try await settle()
            refused = try await sender.counts()["queue_full"]
        }
        // Fifty fit, but all of them together would not, because each counts for more than 50 bytes.
        let counts = try await sender.counts()
        #expect(refused == 0, "\(counts)")
        #expect(counts.captured == sent && counts.pending == 0)
        switch way {
        case .delivered, .batched: #expect(counts.delivered == sent, "\(counts)")
        case .rejected: #expect(counts.dropped == sent, "\(counts)")
        case .spooled: #expect(counts.spooled == sent, "\(counts)")
        }
        // The limit itself holds.
        sink.answer { _ in .hangs }
        try await sender.ask("capture 5000")
        let full = try await sender.counts()
        #expect(way == .spooled || full["queue_full"] > 1000, "\(full)")
        sender.process.signal(SIGKILL)
    }
}
