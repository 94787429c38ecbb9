import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

@Suite("A tracker")
struct TrackerTests {
    @Test("delivers one event for each request, in order")
    func delivers() throws {
        let transport = InMemoryTransport()
        let subject = try Subject(transport: transport)
        for number in 0..<1000 { subject.request("v\(number)") }
        let result = subject.tracker.flush()
        #expect(result.isComplete)
        #expect(subject.tracker.statistics.delivered == 1000)
        let names = try transport.events.map { event in
            try EventEncoderTests.eventData(Array(event.utf8))["view_name"] as? String
        }
        #expect(names == (0..<1000).map { "v\($0)" })
        #expect(Set(transport.payloads.map(\.idempotencyKey)).count == 1000)
    }

    @Test("that is disabled makes no event and no thread")
    func disabled() throws {
        let transport = InMemoryTransport()
        let subject = try Subject(transport: transport) { $0.debugDisableAnalytics = true }
        #expect(!subject.tracker.isEnabled)
        subject.request()
        #expect(subject.tracker.flush() == FlushResult(delivered: 0, spooled: 0, dropped: 0, pending: 0))
        #expect(subject.tracker.statistics == TrackerStatistics())
        #expect(transport.events.isEmpty)
    }

    @Test("accounts for every event at every moment, with eight threads and a failing backend")
    func accounting() async throws {
        let transport = InMemoryTransport { _ in
            switch Int.random(in: 0..<4) {
            case 0: .retry(after: nil, because: "test")
            case 1: .drop(.rejected, because: "test")
            default: .delivered
            }
        }
        let subject = try Subject(transport: transport) { $0.queueCapacity = 500 }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        subject.request()
                        #expect(subject.tracker.statistics.addsUp)
                    }
                }
            }
        }
        #expect(await subject.tracker.flush(timeout: .seconds(30)).isComplete)
        let statistics = subject.tracker.statistics
        #expect(statistics.captured == 4000)
        #expect(statistics.addsUp && statistics.pending == 0)
        #expect(statistics.retried > 0 && (statistics.dropped[.rejected] ?? 0) > 0)
        #expect(transport.events.count == statistics.delivered)
    }

    @Test("refuses events over the queue's bound and says so")
    func queueFull() async throws {
        let subject = try Subject(transport: BlackHole()) { $0.queueCapacity = 10 }
        for _ in 0..<25 { subject.request() }
        #expect(subject.tracker.statistics.dropped == [.queueFull: 15])
        #expect(subject.tracker.statistics.pending == 10)
        try await eventually("a log line") { subject.lines.all.contains { $0.contains("the queue is full") } }
        await subject.tracker.shutdown(timeout: .milliseconds(50))
        #expect(subject.tracker.statistics.dropped == [.queueFull: 15, .shutdown: 10])
        #expect(subject.lines.all.contains { $0.contains("10 events could not be delivered before the shutdown") })
    }

    @Test("bounds the bytes that wait as well")
    func bytesFull() throws {
        let subject = try Subject(transport: BlackHole()) { $0.queueMaximumBytes = 65_536 }
        let headers = RequestHeaders([("X-Long", String(repeating: "x", count: 10_000))])
        for _ in 0..<20 {
            subject.tracker.begin(RequestSnapshot(method: "GET", target: "/", headers: headers))?
                .finish(status: 200, viewName: nil)
        }
        #expect(subject.tracker.statistics.pending == 6)
        #expect(subject.tracker.statistics.dropped == [.queueFull: 14])
        subject.tracker.shutdown(timeout: .zero)
    }

    @Test("flushes and shuts down without blocking an async caller")
    func asyncForms() async throws {
        let subject = try Subject(transport: InMemoryTransport())
        subject.request()
        #expect(await subject.tracker.flush(timeout: .seconds(5)).isComplete)
        subject.request()
        #expect(await subject.tracker.shutdown(timeout: .seconds(5)).pending == 0)
        #expect(subject.tracker.statistics.delivered == 2)
    }

    @Test("runs as a service until it is cancelled, and is drained then")
    func service() async throws {
        let subject = try Subject(transport: InMemoryTransport())
        let running = Task { await subject.tracker.run() }
        for _ in 0..<50 { subject.request() }
        running.cancel()
        await running.value
        #expect(subject.tracker.statistics.delivered == 50)
        #expect(subject.tracker.statistics.pending == 0)
    }

    @Test("delivers although every thread of the cooperative pool is blocked")
    func blockedPool() async throws {
        let transport = InMemoryTransport()
        let subject = try Subject(transport: transport)
        let gate = DispatchSemaphore(value: 0)
        let blockers = ProcessInfo.processInfo.activeProcessorCount
        let isDelivered = await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
            for _ in 0..<blockers { Task.detached { Self.block(gate) } }
            Thread.detachNewThread {
                subject.request()
                let result = subject.tracker.flush(timeout: TestTimeout.standard)
                for _ in 0..<blockers { gate.signal() }
                continuation.resume(returning: result.isComplete && subject.tracker.statistics.delivered == 1)
            }
        }
        #expect(isDelivered)
    }

    private static func block(_ gate: DispatchSemaphore) { gate.wait() }

    @Test("refuses settings that would lose events, also those made in code")
    func checkedSettings() throws {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        configuration.queueCapacity = 0
        let error = #expect(throws: ConfigurationError.self) { try Tracker(configuration: configuration) }
        #expect(error?.code == .invalid && error?.variable == "RA_QUEUE_CAPACITY" && error?.value == "0")
        configuration.isDebugApp = true
        #expect(try !Tracker(configuration: configuration).isEnabled)
    }

    @Test("refuses a spool directory that can't be used, and says what to do")
    func unusableSpool() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/file"
        try Data().write(to: URL(filePath: file))
        for path in [file, file + "/below"] {
            var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
            configuration.spoolDirectory = path
            let error = #expect(throws: ConfigurationError.self) { try Tracker(configuration: configuration) }
            #expect(error?.code == .unusable && error?.variable == "RA_SPOOL_DIRECTORY" && error?.value == path)
            let text = error?.description ?? ""
            #expect(text.contains("give the path of the directory itself") || text.contains("choose another directory"))
        }
    }

    @Test("warns once about unknown variables, by name and without their values")
    func misspelledVariables() throws {
        let lines = LogLines()
        var configuration = try TrackerConfiguration(environment: [
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_SAMPEL_RATE": "0.5", "RA_COLOUR": "blue",
        ])
        configuration.logHandler = { lines.append($0) }
        let tracker = try Tracker(configuration: configuration, transport: InMemoryTransport())
        tracker.shutdown()
        #expect(
            lines.all == [
                "[warning] RA_COLOUR is set, but is not a tracker setting: it is ignored",
                "[warning] RA_SAMPEL_RATE is set, but is not a tracker setting: did you mean RA_SAMPLE_RATE?",
            ])
    }

    @Test("warns once where requests come without a host")
    func missingHost() throws {
        let subject = try Subject(transport: InMemoryTransport())
        for _ in 0..<3 {
            subject.tracker.begin(RequestSnapshot(method: "GET", target: "/", host: "h", headers: RequestHeaders([])))?
                .finish(status: 200, viewName: nil)
        }
        subject.tracker.flush()
        #expect(subject.lines.all.isEmpty)
        for _ in 0..<3 {
            subject.tracker.begin(RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([])))?
                .finish(status: 200, viewName: nil)
        }
        subject.tracker.flush()
        #expect(subject.lines.all.count == 1)
        #expect(subject.lines.all.first?.hasPrefix("[warning] a request had no host") == true)
    }

    @Test("warns once where trusted networks need the peer's address and there is none")
    func missingPeer() throws {
        func warnings(_ proxies: TrustedProxies, peer: String?) throws -> [String] {
            let subject = try Subject(transport: InMemoryTransport()) { $0.trustedProxies = proxies }
            for _ in 0..<3 {
                let snapshot = RequestSnapshot(
                    method: "GET", target: "/", host: "h", headers: RequestHeaders([]), remoteAddress: peer)
                subject.tracker.begin(snapshot)?.finish(status: 200, viewName: nil)
            }
            subject.tracker.flush()
            return subject.lines.all
        }
        let lines = try warnings(.networks(["10.0.0.0/8"]), peer: nil)
        #expect(lines.count == 1 && lines[0].hasPrefix("[warning] a request had no peer address"))
        #expect(try warnings(.networks(["10.0.0.0/8"]), peer: "192.0.2.1").isEmpty)
        #expect(try warnings(.count(1), peer: nil).isEmpty)
    }

    @Test("is shut down by withTracker on every way out")
    func withTrackerEnds() async throws {
        struct Failure: Error {}
        let configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        let snapshot = RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([("Host", "h")]))
        for fails in [false, true] {
            let transport = InMemoryTransport()
            let kept = Mutex<Tracker?>(nil)
            do {
                let number = try await withTracker(configuration, transport: transport) { tracker in
                    kept.withLock { $0 = tracker }
                    tracker.begin(snapshot)?.finish(status: 200, viewName: nil)
                    if fails { throw Failure() }
                    return 7
                }
                #expect(!fails && number == 7)
            } catch is Failure {
                #expect(fails)
            }
            #expect(transport.events.count == 1)
            let tracker = try #require(kept.withLock { $0 })
            tracker.begin(snapshot)?.finish(status: 200, viewName: nil)
            #expect(tracker.statistics.dropped == [.shutdown: 1])
        }
        let transport = InMemoryTransport()
        let task = Task {
            try await withTracker(configuration, transport: transport) { tracker in
                tracker.begin(snapshot)?.finish(status: 200, viewName: nil)
                try await Task.sleep(for: .seconds(600))
            }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(transport.events.count == 1)
    }

    @Test("counts a request once, however often its measurement ends, and one that a disabled tracker is given")
    func once() throws {
        let transport = InMemoryTransport()
        let subject = try Subject(transport: transport)
        let snapshot = RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([("Host", "h")]))
        let interception = try #require(subject.tracker.begin(snapshot))
        interception.finish(status: 200, viewName: nil)
        interception.finish(status: 500, viewName: nil)
        interception.measure(status: 200, viewName: nil).send()
        let second = try #require(subject.tracker.begin(snapshot)).measure(status: 200, viewName: nil)
        let disabled = try Tracker(configuration: .disabled)
        second.send(through: disabled)
        second.send(through: disabled)
        second.send()
        #expect(subject.tracker.flush().isComplete)
        #expect(subject.tracker.statistics.captured == 2 && subject.tracker.statistics.delivered == 1)
        #expect(subject.tracker.statistics.dropped == [.disabled: 1])
        #expect(transport.events.count == 1)
    }

    @Test("never writes its token to the log")
    func secret() throws {
        let transport = InMemoryTransport { _ in .drop(.rejected, because: "bad token tok-s3cr3t\nforged line") }
        let subject = try Subject(transport: transport)
        subject.request()
        #expect(subject.tracker.flush().isComplete)
        #expect(subject.lines.all == ["[warning] dropped an event: bad token [Filtered] forged line"])
    }

    @Test("never writes a part of its token, where a message is cut off", arguments: 2030...2050)
    func cutSecret(place: Int) {
        let lines = Mutex<[String]>([])
        let log = TrackerLog(level: .info, secret: "tok-s3cr3t") { record in
            lines.withLock { $0.append(record.message) }
        }
        log.write(.warning, String(repeating: "x", count: place) + "tok-s3cr3t and more")
        let line = lines.withLock { $0.first } ?? ""
        #expect(line.utf8.count <= 2048 && line.utf8.count >= 2030)
        #expect(!line.contains("tok"))
    }

    @Test("counts nothing in the result of a flush that did nothing")
    func emptyResult() {
        let result = FlushResult()
        #expect(result == FlushResult(delivered: 0, spooled: 0, dropped: 0, pending: 0))
        #expect(result.isComplete)
    }
}
