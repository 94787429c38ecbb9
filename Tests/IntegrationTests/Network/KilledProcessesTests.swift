import Foundation
import TestSupport
import Testing

@Suite("Two processes on one spool")
struct KilledProcessesTests {
    /// The number of kills; `SPOOL_KILLS` overrides it, for a long run by hand.
    private static let rounds = ProcessInfo.processInfo.environment["SPOOL_KILLS"].flatMap { Int($0) } ?? 50

    /// Returns the events that are complete in the files of a spool. Nobody may write to it meanwhile.
    private static func onDisk(_ folder: TemporaryFolder) -> Set<String> {
        let end = Array("\"cookies\":{".utf8)
        let begin = Array("\"project_token\"".utf8)
        var paths: Set<String> = []
        for name in folder.names(in: "spool") {
            guard let data = FileManager.default.contents(atPath: "\(folder.path)/spool/\(name)") else { continue }
            let bytes = Array(data)
            // From the start of one event to the start of the next.
            var starts: [Int] = []
            bytes.withUnsafeBytes { bytes in
                var offset = 0
                while let found = bytes.firstOffset(of: begin, from: offset) {
                    starts.append(found)
                    offset = found + 1
                }
            }
            for (start, next) in zip(starts, starts.dropFirst() + [bytes.count]) {
                let event = Array(bytes[start..<next])
                guard event.withUnsafeBytes({ $0.firstOffset(of: end) }) != nil else { continue }
                paths.formUnion(EventPaths.all(in: event))
            }
        }
        return paths
    }

    /// Answers slowly enough that each kill interrupts requests in flight.
    @Sendable
    private static func works(_ request: EventSink.Received) -> EventSink.Answer {
        switch request.number % 10 {
        case 0: .closes
        case 1: .status(503)
        case 2: .status(200, after: .milliseconds(60))
        default: .status(200, after: .milliseconds(Int64(request.number % 7)))
        }
    }

    @Test("lose nothing that was on disk when killed, and send nothing under two keys", arguments: [false, true])
    func kills(takesBatches: Bool) async throws {
        let folder = try TemporaryFolder("kills")
        let sink = try EventSink(takesBatches: takesBatches, script: Self.works)
        let settings = [
            "RA_SPOOL_DIRECTORY": folder.path + "/spool", "RA_SPOOL_AFTER": "0", "RETRY_CAP": "50",
            "RA_LOG_LEVEL": "error",
        ]
        func start(_ number: Int) throws -> Sender {
            try Sender("k\(number)", endpoint: sink.endpoint, settings: settings)
        }
        var stored: Set<String> = []
        var senders = [try start(0), try start(1)]
        for round in 0..<Self.rounds {
            // Periodic outages, so that there is always something on disk.
            let isOutage = round / 5 % 2 == 1
            sink.answer(isOutage ? EventSink.share(100, .status(503)) : Self.works)
            for sender in senders { try await sender.ask("capture \(5 + round * 7 % 40)") }
            try await Task.sleep(for: .milliseconds(20 + round * 13 % 40))
            let (victim, survivor) = (senders[round % 2], senders[1 - round % 2])
            if isOutage {
                try? await eventually(within: .seconds(3)) { try await victim.counts().spooled > 0 }
            }
            victim.process.signal(SIGKILL)
            _ = try await victim.process.end()
            survivor.process.signal(SIGSTOP)
            stored.formUnion(Self.onDisk(folder))
            survivor.process.signal(SIGCONT)
            senders[round % 2] = try start(round + 2)
        }
        sink.answer { _ in .status(200) }
        for sender in senders { try await sender.ask("capture 1") }
        try? await eventually(within: .seconds(30)) {
            for sender in senders { _ = try await sender.ask("flush 1") }
            return stored.isSubset(of: sink.tally.delivered)
        }
        let tally = sink.tally
        // As each event is stored before it is sent, there must have been many.
        #expect(stored.count > 100)
        #expect(stored.subtracting(tally.delivered).isEmpty)
        #expect(tally.underTwoKeys.isEmpty)
        #expect(tally.doubled.isEmpty)
        #expect(tally.reusedKeys.isEmpty)
        for sender in senders {
            try await sender.ask("shutdown")
            #expect(try await sender.finish() == 0)
        }
    }
}
