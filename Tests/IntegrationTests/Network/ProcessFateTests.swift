import Foundation
import TestSupport
import Testing

@Suite("A process with a tracker")
struct ProcessFateTests {
    @Test("that forks has a tracker in the child, too, and sends nothing twice", arguments: [false, true])
    func forks(takesBatches: Bool) async throws {
        let sink = try EventSink(takesBatches: takesBatches) { _ in .status(200, after: .milliseconds(30)) }
        let sender = try Sender("fork", endpoint: sink.endpoint)
        try await sender.ask("capture 10")
        try await sender.ask("flush 10")
        // At the fork some events are in flight, and most are waiting.
        try await sender.ask("capture 200")
        let child = try await sender.ask("fork 5")
        #expect(child.hasPrefix("delivered 5 spooled 0 dropped 0 pending 0 after "), "\(child)")
        let milliseconds = child.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? .max
        // The default shutdown waits two seconds for events it can't deliver.
        #expect(milliseconds < 1900)
        #expect(try await sender.ask("shutdown").hasSuffix("dropped 0 pending 0"))
        let tally = sink.tally
        #expect(tally.delivered.count == 215)
        #expect(tally.doubled.isEmpty)
        #expect(tally.underTwoKeys.isEmpty)
        #expect(sink.requests == Set(sink.received.map(\.key)).count)
        let counts = try await sender.counts()
        #expect(counts.captured == 210 && counts.delivered == 210, "\(counts)")
        #expect(try await sender.finish() == 0)
    }

    @Test("that forks while its tracker is about to start has a tracker in the child, too")
    func forksEarly() async throws {
        let sink = try EventSink { _ in .status(200) }
        // Fork while the privacy filter's rules are being compiled.
        for pause in [10, 25] {
            let sender = try Sender("early-\(pause)", endpoint: sink.endpoint, settings: ["RA_SHUTDOWN_TIMEOUT": "20"])
            try await sender.ask("capture 50")
            try await Task.sleep(for: .milliseconds(pause))
            let child = try await sender.ask("fork 5")
            #expect(child.hasPrefix("delivered 5 spooled 0 dropped 0 pending 0 after "), "\(child)")
            #expect(try await sender.finish() == 0)
        }
    }

    @Test("whose forked child exits without an event of its own does not hold the child up")
    func childExits() async throws {
        let sink = try EventSink()
        let sender = try Sender("fork", endpoint: sink.endpoint)
        try await sender.ask("capture 5")
        let words = try await sender.ask("forkexit").split(separator: " ")
        #expect(words.prefix(3) == ["ended", "with", "0"])
        // The parent's tracker would get a second to deliver.
        #expect(words.dropLast().last.flatMap { Int($0) }.map { $0 < 900 } == true, "\(words)")
        #expect(try await sender.ask("flush 5").hasSuffix("pending 0"))
        #expect(sink.tally.delivered.count == 5)
        #expect(try await sender.finish() == 0)
    }

    @Test("whose forked child shuts down without an event of its own knows nothing of its parent's")
    func childWithoutEvents() async throws {
        let sink = try EventSink { _ in .hangs }
        let sender = try Sender("fork", endpoint: sink.endpoint)
        try await sender.ask("capture 5")
        // The delivery thread has started, and holds no lock of Swift's runtime.
        try await eventually("the requests") { sink.requests >= 4 }
        let child = try await sender.ask("fork 0")
        #expect(child.hasPrefix("delivered 0 spooled 0 dropped 0 pending 0 after "), "\(child)")
        #expect(try await sender.counts().pending == 5)
        #expect(try await sender.finish() == 0)
    }

    @Test("that forks while the backend is away leaves the child's events in the spool")
    func forksWithSpool() async throws {
        let folder = try TemporaryFolder("fork")
        let sink = try EventSink { _ in .status(503) }
        let settings = ["RA_SPOOL_DIRECTORY": folder.path + "/spool", "RETRY_CAP": "100", "RA_SHUTDOWN_TIMEOUT": "1"]
        let sender = try Sender("away", endpoint: sink.endpoint, settings: settings)
        try await sender.ask("capture 50")
        // Swift's runtime creates types on first use, under locks that a fork does not respect: let that happen before.
        try await eventually("some tries") { sink.requests > 60 }
        let child = try await sender.ask("fork 5")
        #expect(child.hasPrefix("delivered 0 spooled 5 dropped 0 pending 0"), "\(child) \(sender.process.errors)")
        sink.answer { _ in .status(200) }
        try await eventually(within: .seconds(15), "all events") {
            _ = try await sender.ask("flush 1")
            return sink.tally.delivered.count == 55
        }
        #expect(sink.tally.underTwoKeys.isEmpty)
        #expect(sink.tally.doubled.isEmpty)
        #expect(try await sender.finish() == 0)
    }

    /// A library that steps a process's wall clock, and the file with the offset.
    private struct SteppedClock {
        let folder: TemporaryFolder
        var library: String { folder.path + "/stepped_clock.so" }
        var offset: String { folder.path + "/offset" }

        init() async throws {
            folder = try TemporaryFolder("clock")
            let source = Fixtures.directory.appending(path: "clock/stepped_clock.c").path
            let compiler = try #require(Tool.find("cc"))
            let run = try RunningProgram(compiler, ["-shared", "-fPIC", "-o", library, source, "-ldl"])
            try #require(try await run.end() == 0, "cc: \(run.errors)")
            try Data(count: 4096).write(to: URL(fileURLWithPath: offset))
        }

        func step(to seconds: Int64) throws {
            let handle = try #require(FileHandle(forWritingAtPath: offset))
            // Written in place, because the process has mapped the file.
            try handle.write(contentsOf: withUnsafeBytes(of: seconds * 1_000_000_000) { Data($0) })
            try handle.close()
        }

        /// The library must be loaded first, and so must a sanitizer's.
        static var isUsable: Bool {
            let names = ProcessInfo.processInfo.environment.keys
            return Tool.find("cc") != nil && !names.contains { $0.hasSuffix("SAN_OPTIONS") }
        }
    }

    @Test(
        "goes on when the wall clock is set back or forward by an hour",
        .enabled(if: SteppedClock.isUsable, "needs cc, and no sanitizer"), arguments: [-3600, 3600])
    func steppedClock(seconds: Int64) async throws {
        let clock = try await SteppedClock()
        let sink = try EventSink { _ in .status(503) }
        let sender = try Sender(
            "step", endpoint: sink.endpoint,
            settings: ["LD_PRELOAD": clock.library, "STEPPED_CLOCK": clock.offset, "RETRY_CAP": "400"])
        try await sender.ask("capture 20")
        for step in 1...3 {
            // During the wait for the next retry.
            let before = sink.requests
            try await eventually(within: .seconds(10), "a try") { sink.requests > before }
            try await Task.sleep(for: .milliseconds(30))
            try clock.step(to: seconds * Int64(step))
        }
        sink.answer { _ in .status(200) }
        try await eventually(within: .seconds(20), "all events") { sink.taken == 20 }

        // A flush keeps its deadline too.
        sink.answer { _ in .hangs }
        try await sender.ask("capture 5")
        sender.tell("flush 1")
        try await Task.sleep(for: .milliseconds(200))
        try clock.step(to: 0)
        try await sender.answer(within: .seconds(20))
        sink.answer { _ in .status(200) }
        sender.tell("shutdown")
        try await Task.sleep(for: .milliseconds(200))
        try clock.step(to: seconds)
        try await sender.answer(within: .seconds(20))
        #expect(try await sender.finish() == 0)
    }
}
