import TestSupport
import Testing

@testable import TrackerCore

@Suite("The delivery loop")
struct DeliveryLoopTests {
    @Test("follows the network: 1,000 events a second at 50 ms, with no more connections than it needs")
    func window() throws {
        let simulation = try Simulation()
        simulation.run(seconds: 5, rate: 1_000)
        let statistics = simulation.statistics
        #expect(statistics.captured > 4_900)
        #expect(statistics.dropped.isEmpty && statistics.captured - statistics.delivered < 400, "\(statistics)")
        #expect(simulation.session.most <= 64 && simulation.session.most >= 50)
        #expect(statistics.backend.window >= 50 && statistics.backend.latency.map { $0 > .milliseconds(45) } == true)
    }

    @Test("sleeps while a batch is being gathered, instead of looking every few milliseconds")
    func gathersAsleep() throws {
        let simulation = try Simulation(acceptsLines: true, nap: 1_000_000_000)
        simulation.capture(1)
        simulation.run(seconds: 1)
        let before = simulation.naps
        simulation.run(seconds: 10, rate: 100)
        // Two batches per second, and some checks for further events after each.
        let naps = simulation.naps - before
        #expect(naps >= 20 && naps <= 200, "\(naps)")
        let statistics = simulation.statistics
        #expect(statistics.dropped.isEmpty && statistics.captured - statistics.delivered <= 60, "\(statistics)")
    }

    @Test("gathers also the events that come in while a batch is being sent")
    func gathersLateEvents() throws {
        final class Box { weak var simulation: Simulation? }
        let box = Box()
        let simulation = try Simulation(
            latency: 0, acceptsLines: true,
            answer: { number, _, now in
                guard number == 2, let simulation = box.simulation else { return .delivered }
                simulation.time.advance(to: now + 1_000)
                simulation.capture(5)
                return .delivered
            })
        box.simulation = simulation
        simulation.capture(1)
        simulation.run(seconds: 1)
        simulation.capture(500)
        simulation.run(seconds: 2)
        let sent = simulation.session.payloads
        #expect(sent.map(\.payload.eventCount) == [1, 500, 5])
        #expect(sent.last.map { $0.at - sent[1].at >= 490_000_000 } == true)
    }

    @Test("sends a small queue's events before it is full, instead of gathering more")
    func gathersLess() throws {
        let simulation = try Simulation(latency: 1_000_000, acceptsLines: true) { $0.queueCapacity = 100 }
        simulation.capture(1)
        simulation.run(seconds: 1)
        simulation.run(seconds: 5, rate: 400)
        #expect(simulation.statistics.dropped.isEmpty, "\(simulation.statistics)")
    }

    @Test("sends full batches that were written ahead as soon as there is room")
    func fullBatches() throws {
        let simulation = try Simulation(latency: 20_000_000, acceptsLines: true)
        simulation.capture(1)
        simulation.run(seconds: 1)
        simulation.capture(5_000)
        simulation.run(seconds: 0.3)
        #expect(simulation.statistics.delivered == 5_001, "\(simulation.statistics)")
    }

    /// Captures events whose header fields keep an object alive; returns whether they still do.
    private func captureHolding(_ count: Int, in simulation: Simulation) -> () -> Bool {
        final class Body: Sendable {}
        let body = Body()
        simulation.capture(
            count, headers: RequestHeaders(cookie: nil, deferred: { withExtendedLifetime(body) { [] } }))
        return { [weak body] in body != nil }
    }

    @Test("holds no request once its event is delivered and nothing more comes", arguments: [1, 4, 64])
    func releases(count: Int) throws {
        let simulation = try Simulation(latency: 1_000_000)
        let isHeld = captureHolding(count, in: simulation)
        #expect(isHeld())
        simulation.run(seconds: 2)
        #expect(simulation.statistics.delivered == count)
        #expect(!isHeld())
    }

    @Test("holds no request whose event waits for the backend's return", arguments: [1, 4])
    func releasesInOutage(count: Int) throws {
        let simulation = try Simulation(answer: { _, _, _ in .unreachable(because: "refused") })
        let isHeld = captureHolding(count, in: simulation)
        simulation.run(seconds: 2)
        #expect(simulation.statistics.pending == count)
        #expect(!isHeld())
    }

    @Test("counts the length of what deferred fields turn out to be, so that memory stays within its limit")
    func countsDeferredFields() throws {
        let limit = 1_048_576
        let simulation = try Simulation(
            change: { $0.queueMaximumBytes = limit }, answer: { _, _, _ in .unreachable(because: "refused") })
        let value = String(repeating: "x", count: EventLimit.headerValueBytes)
        let fields = (0..<4).map { (name: "X-\($0)", value: value) }
        for _ in 0..<50 {
            simulation.capture(20, headers: RequestHeaders(cookie: nil, deferred: { fields }))
            simulation.run(seconds: 0.1)
        }
        // Requests that have not been written yet still count by estimate.
        let unwritten = 2 * EventQueue.chunkSize
        #expect(simulation.statistics.pending <= limit / (4 * value.utf8.count) + unwritten)
        #expect(simulation.statistics.dropped[.queueFull, default: 0] > 500)
    }

    @Test("sleeps while one event waits for its retry")
    func waitsAsleep() throws {
        let simulation = try Simulation(
            latency: 1_000_000, nap: 1_000_000_000, change: { $0.retryPolicy.base = .seconds(60) },
            answer: { number, _, _ in number == 2 ? .retry(after: nil, because: "503") : .delivered })
        simulation.capture(1)
        simulation.run(seconds: 1)
        simulation.capture(1)
        simulation.run(seconds: 0.05)
        let before = simulation.naps
        simulation.run(seconds: 10)
        #expect(simulation.naps - before <= 120, "\(simulation.naps - before)")
    }

    @Test("probes after a restart during an outage, though what it finds on disk must wait for a response")
    func restartInOutage() throws {
        let folder = try TemporaryFolder("loop")
        let change = { (configuration: inout TrackerConfiguration) in
            configuration.spoolDirectory = folder.path + "/spool"
        }
        let before = try Simulation(latency: 0, acceptsLines: true, change: change)
        before.capture(1)
        before.run(seconds: 1)
        before.session.latency = 1_000_000_000_000
        before.capture(10)
        before.run(seconds: 3)
        before.loop.end()
        #expect(before.statistics.spooled == 10)

        let after = try Simulation(
            latency: 1_000_000, acceptsLines: true, change: change,
            answer: { _, _, now in now < 61_000_000_000 ? .unreachable(because: "refused") : .delivered })
        after.capture(1)
        let start = after.time.now
        after.run(seconds: 55)
        #expect(after.time.now - start >= 55_000_000_000, "the loop spins")
        #expect(after.naps < 20_000)
        after.run(seconds: 130)
        #expect(after.statistics.delivered == 1 && after.statistics.deliveredForOthers == 10, "\(after.statistics)")
    }

    @Test("stores events in time while a batch is being gathered")
    func storesWhileGathering() throws {
        let folder = try TemporaryFolder()
        let simulation = try Simulation(latency: 10_000_000_000, acceptsLines: true, nap: 1_000_000_000) {
            $0.spoolDirectory = folder.path
            $0.spoolAfter = .milliseconds(200)
        }
        simulation.session.latency = 0
        simulation.capture(1)
        simulation.run(seconds: 1)
        simulation.session.latency = 10_000_000_000
        simulation.capture(5)
        simulation.run(seconds: 0.3)
        #expect(simulation.statistics.spooled == 5)
    }

    @Test("keeps up with a backend that is suddenly fifty times as far away")
    func distance() throws {
        let simulation = try Simulation(latency: 1_000_000)
        simulation.run(seconds: 2, rate: 1_000)
        simulation.session.latency = 50_000_000
        simulation.run(seconds: 8, rate: 1_000)
        let statistics = simulation.statistics
        #expect(statistics.dropped.isEmpty && statistics.captured - statistics.delivered < 400, "\(statistics)")
    }

    @Test("sends a few at a time where a few are enough")
    func quiet() throws {
        let simulation = try Simulation()
        simulation.run(seconds: 5, rate: 20)
        #expect(simulation.session.most <= 4)
        #expect(simulation.statistics.backend.window == 4)
    }

    @Test("keeps delivering others while some fail, without reporting an outage", arguments: [4, 2])
    func failures(every: Int) throws {
        let simulation = try Simulation(
            latency: 20_000_000,
            answer: { number, _, _ in
                (number &* 2_654_435_761) >> 9 % every == 0 ? .retry(after: nil, because: "503") : .delivered
            })
        simulation.run(seconds: 10, rate: 200)
        #expect(!simulation.statistics.backend.isAway)
        #expect(simulation.statistics.delivered > 1_700, "\(simulation.statistics)")
        // Three seconds, plus a shutdown.
        simulation.run(seconds: 3)
        _ = simulation.mailbox.close(stopAt: simulation.time.now + 2_000_000_000)
        simulation.run(seconds: 2)
        #expect(simulation.statistics.delivered * 100 >= simulation.statistics.captured * 99)
    }

    @Test("sends one probe at a time while the backend is away, and all at once when it is back")
    func outage() throws {
        let simulation = try Simulation(
            latency: 1_000_000,
            answer: { _, _, now in
                now < 31_000_000_000 ? .unreachable(because: "refused") : .delivered
            })
        simulation.run(seconds: 29, rate: 100)
        #expect(simulation.session.most <= 4 && simulation.statistics.backend.isAway)
        // Full jitter up to 60 s: a handful of probes, not a storm.
        #expect(simulation.session.payloads.count < 20)
        #expect(simulation.statistics.dropped.isEmpty)
        simulation.run(seconds: 70)
        #expect(simulation.statistics.pending == 0 && !simulation.statistics.backend.isAway)
        #expect(simulation.lines.all.contains { $0.contains("the backend is back after") })
    }

    @Test("takes a rejection for the end of an outage, because the backend has answered")
    func rejectionEndsOutage() throws {
        let simulation = try Simulation(
            latency: 1_000_000,
            answer: { _, _, now in
                now < 11_000_000_000 ? .unreachable(because: "refused") : .drop(.rejected, because: "bad")
            })
        simulation.capture(50)
        simulation.run(seconds: 9)
        #expect(simulation.statistics.backend.isAway && simulation.statistics.pending == 50)
        simulation.run(seconds: 70)
        #expect(simulation.statistics.dropped == [.rejected: 50] && !simulation.statistics.backend.isAway)
    }

    @Test("probes with one event three times before another's turn comes, also when those tried before are due again")
    func probes() throws {
        let simulation = try Simulation(
            latency: 1_000_000,
            change: {
                $0.retryPolicy.base = .milliseconds(1)
                $0.retryPolicy.cap = .milliseconds(20)
            }, answer: { _, _, _ in .unreachable(because: "refused") })
        simulation.capture(1)
        simulation.run(seconds: 0.005)
        #expect(simulation.statistics.backend.isAway)
        simulation.capture(200)
        simulation.run(seconds: 3)
        let all = simulation.session.payloads.map(\.payload.idempotencyKey)
        // The first was alone, and was retried as often as time allowed.
        let keys = Array(all.drop { $0 == all[0] }.prefix(150))
        #expect(keys.count == 150 && simulation.session.most == 1)
        for first in stride(from: 0, to: keys.count, by: 3) { #expect(Set(keys[first..<first + 3]).count == 1) }
        #expect(Set(keys).count == 50)
    }

    @Test("delivers at a shutdown as long as the backend accepts events, and gives up sooner if it accepts nothing")
    func shutdownPatience() throws {
        let busy = try Simulation()
        busy.capture(3_000)
        _ = busy.mailbox.close(
            stopAt: busy.time.now + 4_000_000_000, patience: .init(since: busy.time.now, length: 2_000_000_000))
        busy.run(seconds: 5)
        #expect(busy.statistics.delivered == 3_000 && busy.session.most <= 64)

        let silent = try Simulation(latency: 30_000_000_000)
        let start = silent.time.now
        silent.capture(100)
        _ = silent.mailbox.close(
            stopAt: start + 4_000_000_000, patience: .init(since: start, length: 2_000_000_000))
        silent.run(seconds: 5)
        #expect(silent.time.now - start == 2_000_000_000)

        let asked = try Simulation(latency: 3_000_000_000)
        asked.capture(4)
        _ = asked.mailbox.close(stopAt: asked.time.now + 4_000_000_000)
        asked.run(seconds: 5)
        #expect(asked.statistics.delivered == 4)
    }

    @Test("sends nothing for as long as the backend asks")
    func retryAfter() throws {
        let simulation = try Simulation(answer: { number, _, _ in
            number == 1 ? .retry(after: .seconds(7), because: "429") : .delivered
        })
        simulation.run(seconds: 6, rate: 100)
        let early = simulation.session.payloads.count
        // Only those in flight together with the first.
        #expect(early <= 4)
        simulation.run(seconds: 3)
        #expect(simulation.statistics.pending == 0)
        let times = simulation.session.payloads.map(\.at)
        #expect(times[early] - times[0] >= 7_000_000_000)
    }

    @Test("gathers lines for half a second, and sends a full batch at once")
    func batches() throws {
        let simulation = try Simulation(latency: 1_000_000, acceptsLines: true)
        simulation.capture(1)
        simulation.run(seconds: 0.1)
        #expect(simulation.session.payloads.map(\.payload.eventCount) == [1])
        simulation.capture(10)
        simulation.run(seconds: 0.3)
        #expect(simulation.session.payloads.count == 1)
        simulation.run(seconds: 0.3)
        #expect(simulation.session.payloads.map(\.payload.eventCount) == [1, 10])
        simulation.capture(1_100)
        simulation.run(seconds: 0.05)
        #expect(simulation.session.payloads.dropFirst(2).map(\.payload.eventCount) == [500, 500])
    }

    @Test("halves a rejected batch down to the bad event, always with the same keys")
    func halving() throws {
        let simulation = try Simulation(
            latency: 1_000_000, acceptsLines: true,
            answer: { _, payload, _ in
                String(decoding: payload.body, as: UTF8.self).contains("/13\"")
                    ? .drop(.rejected, because: "400") : .delivered
            })
        simulation.capture(1)
        simulation.run(seconds: 0.1)
        simulation.capture(40)
        simulation.run(seconds: 3)
        #expect(simulation.statistics.dropped == [.rejected: 1] && simulation.statistics.delivered == 40)
        let batch = try #require(simulation.session.payloads.map(\.payload).first { $0.eventCount == 40 })
        let bad = try #require(
            simulation.session.payloads.map(\.payload).last {
                String(decoding: $0.body, as: UTF8.self).contains("/13\"")
            })
        #expect(bad.idempotencyKey == "\(batch.idempotencyKey)-12")
    }

    @Test("brings to disk what is older than its age, and delivers it from memory all the same")
    func age() throws {
        let folder = try TemporaryFolder("loop")
        let simulation = try Simulation(
            latency: 3_000_000_000, change: { $0.spoolDirectory = folder.path + "/spool" })
        simulation.capture(10)
        simulation.run(seconds: 0.9)
        #expect(simulation.statistics.spooled == 0 && simulation.statistics.pending == 10)
        simulation.run(seconds: 0.3)
        #expect(simulation.statistics.spooled == 10 && simulation.statistics.pending == 0)
        simulation.run(seconds: 12)
        #expect(simulation.statistics.spooled == 0 && simulation.statistics.delivered == 10)
        #expect(simulation.session.payloads.count == 10)
    }

    @Test("writes each event before it is sent, if it is told to")
    func writtenFirst() throws {
        let folder = try TemporaryFolder("loop")
        var stored: [Int] = []
        var simulation: Simulation?
        let made = try Simulation(
            latency: 1_000_000,
            change: {
                $0.spoolDirectory = folder.path + "/spool"
                $0.spoolAfter = .zero
            },
            answer: { _, _, _ in
                if let simulation { stored.append(simulation.statistics.spooled) }
                return .delivered
            })
        simulation = made
        defer { simulation = nil }
        made.capture(50)
        made.run(seconds: 1)
        #expect(made.statistics.delivered == 50 && made.statistics.spooled == 0)
        #expect(stored.count == 50 && stored.allSatisfy { $0 > 0 })
    }

    @Test("opens its session before it writes to the spool, which would take the last file descriptors")
    func openedFirst() throws {
        let folder = try TemporaryFolder("loop")
        var segments: [Int] = []
        let simulation = try Simulation(
            latency: 1_000_000,
            change: {
                $0.spoolDirectory = folder.path + "/spool"
                $0.spoolAfter = .zero
            },
            opening: { segments.append(folder.names(in: "spool").count) })
        simulation.capture(1)
        simulation.run(seconds: 0.1)
        #expect(segments == [0])
        #expect(simulation.statistics.delivered == 1)
    }

    @Test("delivers what it stored while the transport was unavailable, once that is back")
    func transportReturns() throws {
        let folder = try TemporaryFolder("loop")
        var isAvailable = false
        let simulation = try Simulation(
            latency: 1_000_000,
            change: {
                $0.spoolDirectory = folder.path + "/spool"
                $0.spoolAfter = .zero
            },
            opening: { () throws(TransportUnavailable) in
                if !isAvailable { throw TransportUnavailable("libcurl is missing") }
            })
        for _ in 0..<5 {
            simulation.capture(3)
            simulation.run(seconds: 0.2)
        }
        #expect(simulation.statistics.spooled == 15)
        isAvailable = true
        simulation.run(seconds: 20)
        #expect(simulation.statistics.delivered == 15 && simulation.statistics.spooled == 0, "\(simulation.statistics)")
    }

    @Test("tries as long at a shutdown with an unusable spool as without one")
    func shutdownWithBrokenSpool() throws {
        let folder = try TemporaryFolder("loop")
        try "".write(toFile: folder.path + "/file", atomically: true, encoding: .utf8)
        let simulation = try Simulation(
            latency: 1_000_000, change: { $0.spoolDirectory = folder.path + "/file/spool" },
            answer: { number, _, _ in number <= 2 ? .unreachable(because: "refused") : .delivered })
        simulation.capture(1)
        _ = simulation.mailbox.close(stopAt: simulation.time.now + 4_000_000_000)
        simulation.run(seconds: 5)
        #expect(simulation.statistics.delivered == 1, "\(simulation.statistics)")
    }

    @Test("does not retry a stored event before it is due, however many others wait")
    func manyRetries() throws {
        let folder = try TemporaryFolder("loop")
        let change = { (configuration: inout TrackerConfiguration) in
            configuration.spoolDirectory = folder.path + "/spool"
            configuration.spoolAfter = .zero
            configuration.retryPolicy.base = .seconds(60)
        }
        let before = try Simulation(latency: 1_000_000_000_000, change: change)
        before.capture(12_000)
        before.run(seconds: 4)
        before.loop.end()
        #expect(before.statistics.spooled == 12_000)
        let after = try Simulation(
            latency: 1_000_000, change: change,
            answer: { number, _, _ in number % 3 == 0 ? .delivered : .retry(after: nil, because: "503") })
        after.capture(1)
        after.run(seconds: 5)
        let tries = Dictionary(grouping: after.session.payloads, by: \.payload.idempotencyKey).mapValues(\.count)
        #expect(tries.count > 4_000, "\(tries.count)")
        #expect(tries.values.allSatisfy { $0 <= 4 }, "\(tries.values.max() ?? 0)")
    }

    @Test("names the cause of a full queue: connections that are all in use")
    func cause() throws {
        let simulation = try Simulation(
            latency: 500_000_000, maximum: 8,
            change: {
                $0.queueCapacity = 100
                $0.maximumConnections = 8
            })
        simulation.run(seconds: 5, rate: 1_000)
        let line = simulation.lines.all.first { $0.contains("the queue is full") && $0.contains("8 of 8 connections") }
        #expect(line?.contains("RA_MAXIMUM_CONNECTIONS") == true, "\(simulation.lines.all)")
        #expect(!simulation.lines.all.contains { $0.contains("processors are busy") })
    }
}
