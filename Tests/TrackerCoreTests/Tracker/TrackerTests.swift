import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

/// A tracker with the test's transport, and its log lines.
private final class Subject: Sendable {
    let lines: LogLines
    let tracker: Tracker

    init(transport: (any EventTransport)?, _ change: (inout TrackerConfiguration) -> Void = { _ in }) throws {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "tok-s3cr3t")
        configuration.retryPolicy.base = .milliseconds(1)
        configuration.retryPolicy.cap = .milliseconds(20)
        let lines = LogLines()
        configuration.logHandler = { lines.append($0) }
        change(&configuration)
        self.lines = lines
        tracker = try Tracker(configuration: configuration, transport: transport)
    }

    func request(_ name: String = "home", status: Int = 200) {
        tracker.begin(
            RequestSnapshot(method: "GET", target: "/\(name)", host: "h", headers: RequestHeaders([("Host", "h")]))
        )?.finish(status: status, viewName: name)
    }
}

final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ record: TrackerLogRecord) { lines.withLock { $0.append("[\(record.level.rawValue)] \(record)") } }
    var all: [String] { lines.withLock { $0 } }
}

/// Never completes a payload, like a backend that does not answer.
private struct BlackHole: EventTransport {
    final class Session: TransportSession {
        let maximumInFlight = 4
        func start(_ payload: DeliveryPayload) {}
        func wait(atMost limit: Duration) -> [DeliveryCompletion] {
            Thread.sleep(forTimeInterval: Double(limit.nanoseconds) / 1e9)
            return []
        }
        func cancel() {}
    }
    func open() throws(TransportUnavailable) -> any TransportSession { Session() }
}

/// Blocks the delivery thread itself, as a defective transport would.
private struct Stuck: EventTransport {
    let gate = DispatchSemaphore(value: 0)
    func open() throws(TransportUnavailable) -> any TransportSession {
        gate.wait()
        return ImmediateSession { DeliveryCompletion(identifier: $0.identifier, outcome: .delivered) }
    }
}

/// Ignores how long it may wait.
private struct Deaf: EventTransport {
    final class Session: TransportSession {
        let isWaiting: DispatchSemaphore
        let gate: DispatchSemaphore
        init(_ isWaiting: DispatchSemaphore, _ gate: DispatchSemaphore) {
            self.isWaiting = isWaiting
            self.gate = gate
        }

        let maximumInFlight = 1
        func start(_ payload: DeliveryPayload) {}
        func wait(atMost limit: Duration) -> [DeliveryCompletion] {
            isWaiting.signal()
            gate.wait()
            return []
        }
        func cancel() {}
    }

    let isWaiting = DispatchSemaphore(value: 0)
    let gate = DispatchSemaphore(value: 0)
    func open() throws(TransportUnavailable) -> any TransportSession { Session(isWaiting, gate) }
}

private struct Missing: EventTransport {
    func open() throws(TransportUnavailable) -> any TransportSession {
        throw TransportUnavailable("install the library")
    }
}

/// Fails to open the first two times.
private struct Late: EventTransport {
    let opened: Counter
    final class Counter: Sendable {
        let count: Mutex<Int>
        init() { count = Mutex(0) }
    }
    func open() throws(TransportUnavailable) -> any TransportSession {
        let number = opened.count.withLock { count -> Int in
            count += 1
            return count
        }
        guard number > 2 else { throw TransportUnavailable("not yet") }
        return ImmediateSession { DeliveryCompletion(identifier: $0.identifier, outcome: .delivered) }
    }
}

private func addsUp(_ statistics: TrackerStatistics) -> Bool {
    statistics.captured == statistics.delivered + statistics.spooled + statistics.totalDropped + statistics.pending
}

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
                        #expect(addsUp(subject.tracker.statistics))
                    }
                }
            }
        }
        #expect(await subject.tracker.flush(timeout: .seconds(30)).isComplete)
        let statistics = subject.tracker.statistics
        #expect(statistics.captured == 4000)
        #expect(addsUp(statistics) && statistics.pending == 0)
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

    @Test("keeps its shutdown deadline, and loses nothing uncounted", arguments: [true, false])
    func shutdownDeadline(isThreadStuck: Bool) throws {
        let stuck = Stuck()
        let subject = try Subject(transport: isThreadStuck ? stuck : BlackHole())
        for _ in 0..<100 { subject.request() }
        let started = ContinuousClock.now
        let result = subject.tracker.shutdown(timeout: .milliseconds(200))
        let took = ContinuousClock.now - started
        #expect(result == FlushResult(delivered: 0, spooled: 0, dropped: 100, pending: 0))
        // Generous, for a busy machine; without the deadline it would never end.
        #expect(took < .seconds(5))
        subject.request()
        #expect(subject.tracker.statistics.captured == 101)
        #expect(subject.tracker.statistics.dropped == [.shutdown: 101])
        #expect(subject.tracker.shutdown(timeout: .seconds(9)).pending == 0)
        stuck.gate.signal()
        #expect(addsUp(subject.tracker.statistics))
    }

    @Test(
        "holds up no other tracker of the process while code of the app's blocks its delivery",
        arguments: ["opening", "waiting", "hook"])
    func others(place: String) throws {
        let (stuck, deaf, isInHook) = (Stuck(), Deaf(), DispatchSemaphore(value: 0))
        let blocked: Subject
        if place == "hook" {
            blocked = try Subject(transport: nil) {
                $0.beforeSend = { _ in
                    isInHook.signal()
                    stuck.gate.wait()
                    return false
                }
            }
        } else {
            blocked = try Subject(transport: place == "opening" ? stuck : deaf)
        }
        blocked.request()
        if place == "waiting" { deaf.isWaiting.wait() }
        if place == "hook" { isInHook.wait() }
        let backend = try ScriptedBackend()
        let endpoint = try #require(BackendEndpoint(backend.endpoint))
        let other = try Subject(transport: nil) { $0.backendEndpoint = endpoint }
        other.request()
        // Generous, for a busy machine; it would never end.
        #expect(other.tracker.shutdown(timeout: .seconds(10)).dropped == 0)
        #expect(backend.received.count == 1)
        stuck.gate.signal()
        deaf.gate.signal()
        _ = blocked.tracker.shutdown(timeout: .zero)
        deaf.gate.signal()
        backend.stop()
    }

    @Test("gives up a flush at its deadline and goes on")
    func flushDeadline() throws {
        let subject = try Subject(transport: BlackHole())
        subject.request()
        #expect(subject.tracker.flush(timeout: .milliseconds(50)).pending == 1)
        subject.request()
        #expect(subject.tracker.statistics.pending == 2)
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
                let result = subject.tracker.flush(timeout: .seconds(60))
                for _ in 0..<blockers { gate.signal() }
                continuation.resume(returning: result.isComplete && subject.tracker.statistics.delivered == 1)
            }
        }
        #expect(isDelivered)
    }

    private static func block(_ gate: DispatchSemaphore) { gate.wait() }

    @Test("repeats a failed delivery under the same key")
    func retries() throws {
        let left = Mutex(3)
        let transport = InMemoryTransport { _ in
            left.withLock { left in
                left -= 1
                return left >= 0 ? .retry(after: nil, because: "down") : .delivered
            }
        }
        let subject = try Subject(transport: transport)
        subject.request()
        #expect(subject.tracker.flush().isComplete)
        #expect(transport.payloads.count == 4)
        #expect(Set(transport.payloads.map(\.idempotencyKey)).count == 1)
        #expect(subject.tracker.statistics.retried == 3)
        #expect(subject.lines.all.contains { $0.contains("can't deliver: down") })
        #expect(subject.lines.all.contains { $0.contains("the backend is back after") })
    }

    @Test("waits as long as the backend asked, even when flushed")
    func retryAfter() throws {
        let transport = InMemoryTransport { _ in .retry(after: .seconds(100), because: "429") }
        let subject = try Subject(transport: transport)
        for _ in 0..<100 { subject.request() }
        #expect(subject.tracker.flush(timeout: .milliseconds(100)).pending == 100)
        #expect(transport.payloads.count <= 64)
        subject.tracker.shutdown(timeout: .seconds(1))
        #expect(transport.payloads.count <= 64)
        #expect(subject.tracker.statistics.dropped == [.shutdown: 100])
    }

    @Test("sends a single probe while the backend is down")
    func probes() async throws {
        let transport = InMemoryTransport { _ in .retry(after: nil, because: "down") }
        let subject = try Subject(transport: transport)
        subject.request()
        try await eventually("the first failure") { !transport.payloads.isEmpty }
        for _ in 0..<200 { subject.request() }
        let before = transport.payloads.count
        try await eventually("more tries") { transport.payloads.count >= before + 12 }
        await subject.tracker.shutdown(timeout: .zero)
        #expect(subject.tracker.statistics.captured == 201)
        // Three tries each before another's turn: the 200 later ones wait.
        let payloads = transport.payloads
        #expect(Set(payloads.map(\.idempotencyKey)).count <= payloads.count / 3 + 1)
    }

    @Test("gives up an event that keeps failing while others go through")
    func poison() throws {
        let transport = InMemoryTransport { payload in
            String(decoding: payload.body, as: UTF8.self).contains("\"poison\"")
                ? .retry(after: nil, because: "500") : .delivered
        }
        let subject = try Subject(transport: transport)
        // Synchronous: while this test waited for a thread, no others would go through.
        subject.request("poison")
        var others = 0
        let deadline = ContinuousClock.now + .seconds(60)
        while subject.tracker.statistics.dropped.isEmpty, ContinuousClock.now < deadline {
            subject.request()
            others += 1
            subject.tracker.flush(timeout: .milliseconds(10))
        }
        #expect(subject.tracker.statistics.dropped == [.retriesExhausted: 1])
        #expect(subject.tracker.flush(timeout: .seconds(60)).isComplete)
        #expect(subject.tracker.statistics.delivered == others)
    }

    @Test("counts events and says what to do where there is no way to send")
    func unavailable() throws {
        let subject = try Subject(transport: Missing())
        for _ in 0..<10 { subject.request() }
        #expect(subject.tracker.flush().isComplete)
        #expect(subject.tracker.statistics.dropped == [.transportUnavailable: 10])
        #expect(subject.lines.all == ["[error] install the library"])
    }

    @Test("tries again where there is no way to send at first, and keeps its events until then")
    func availableLater() async throws {
        let opened = Late.Counter()
        let subject = try Subject(transport: Late(opened: opened))
        for _ in 0..<10 { subject.request() }
        try await eventually("the third try") { opened.count.withLock { $0 } >= 3 }
        try await eventually("all events") { subject.tracker.statistics.delivered == 10 }
        #expect(subject.tracker.statistics.dropped.isEmpty)
        #expect(subject.lines.all.count == 1)
    }

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

    @Test("warns once of variables that are no settings, by name and without their values")
    func misspeltVariables() throws {
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
