import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

/// A backend, a queue and a delivery loop in simulated time, which passes only when the loop waits.
final class Simulation {
    final class Time: Sendable {
        private let nanoseconds = Atomic<UInt64>(1_000_000_000)
        private let napCount = Atomic<Int>(0)
        var now: UInt64 { nanoseconds.load(ordering: .relaxed) }
        var naps: Int { napCount.load(ordering: .relaxed) }
        func nap(until moment: UInt64) {
            napCount.add(1, ordering: .relaxed)
            advance(to: moment)
        }
        func advance(to moment: UInt64) { if moment > now { nanoseconds.store(moment, ordering: .relaxed) } }
    }

    /// The backend's outcome for the n-th payload.
    typealias Answer = (_ number: Int, _ payload: DeliveryPayload, _ now: UInt64) -> DeliveryOutcome

    final class Session: TransportSession {
        let time: Time
        var latency: UInt64
        let answer: Answer
        let acceptsLines: Bool
        let maximumInFlight: Int
        var payloads: [(payload: DeliveryPayload, at: UInt64)] = []
        var underWay: [(identifier: UInt64, outcome: DeliveryOutcome, end: UInt64)] = []
        var most = 0

        init(_ time: Time, latency: UInt64, maximum: Int, acceptsLines: Bool, _ answer: @escaping Answer) {
            (self.time, self.latency, self.answer) = (time, latency, answer)
            (maximumInFlight, self.acceptsLines) = (maximum, acceptsLines)
        }

        func start(_ payload: DeliveryPayload) {
            payloads.append((payload, time.now))
            underWay.append((payload.identifier, answer(payloads.count, payload, time.now), time.now + latency))
            most = max(most, underWay.count)
        }

        func wait(atMost limit: Duration) -> [DeliveryCompletion] {
            let first = underWay.map(\.end).min() ?? .max
            time.advance(to: min(first, time.now + limit.nanoseconds))
            let ended = underWay.filter { $0.end <= time.now }
            underWay.removeAll { $0.end <= time.now }
            return ended.map {
                DeliveryCompletion(identifier: $0.identifier, outcome: $0.outcome, acceptsLines: acceptsLines)
            }
        }

        func cancel() { underWay = [] }
    }

    private struct Transport: EventTransport {
        // Created and used on one thread, the test's.
        nonisolated(unsafe) let session: Session
        nonisolated(unsafe) let opening: () throws(TransportUnavailable) -> Void
        func open() throws(TransportUnavailable) -> any TransportSession {
            try opening()
            return session
        }
    }

    let time = Time()
    /// How often the loop slept.
    var naps: Int { time.naps }
    let session: Session
    let mailbox: Mailbox
    let lines = LogLines()
    let loop: DeliveryLoop
    private var captured = 0

    init(
        latency: UInt64 = 50_000_000, maximum: Int = 64, acceptsLines: Bool = false, nap: UInt64 = 5_000_000,
        change: (inout TrackerConfiguration) -> Void = { _ in },
        opening: @escaping () throws(TransportUnavailable) -> Void = {},
        answer: @escaping Answer = { _, _, _ in .delivered }
    ) throws {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        let lines = lines
        configuration.logHandler = { lines.append($0) }
        change(&configuration)
        session = Session(time, latency: latency, maximum: maximum, acceptsLines: acceptsLines, answer)
        mailbox = Mailbox(
            capacity: configuration.queueCapacity, maximumBytes: configuration.queueMaximumBytes
        ) { _ in true }
        let time = time
        loop = DeliveryLoop(
            configuration: configuration, transport: Transport(session: session, opening: opening),
            mailbox: mailbox,
            log: TrackerLog(level: .info, secret: "t", handler: configuration.logHandler),
            clock: DeliveryClock(
                now: { time.now },
                // Nobody signals here.
                sleep: { mailbox, deadline, alarm in
                    // As the mailbox does: after a shutdown has begun, no thread sleeps for an event.
                    if case .event = alarm, mailbox.isClosed { return }
                    time.nap(until: min(deadline ?? .max, time.now + nap))
                },
                usage: { nil }))
    }

    var statistics: TrackerStatistics { mailbox.statistics }

    func capture(_ count: Int, headers: RequestHeaders = RequestHeaders([])) {
        for _ in 0..<count {
            mailbox.capture(
                .sample(
                    target: "/\(captured)", headers: headers, receivedAt: SystemClock.wallNanoseconds(),
                    startedAt: time.now, finishedAt: time.now),
                ticket: 0)
            captured += 1
        }
    }

    /// Runs for the given time, with events arriving at a steady rate.
    func run(seconds: Double, rate: Int = 0) {
        let start = time.now
        let end = start + UInt64(seconds * 1e9)
        var done = 0
        var turns = 0
        while time.now < end, turns < 2_000_000 {
            turns += 1
            let due = Int(Double(time.now - start) / 1e9 * Double(rate))
            capture(due - done)
            done = due
            guard loop.turn() else { return }
        }
    }
}
