import Testing

@testable import TrackerCore

@Suite("The pacer")
struct PacerTests {
    /// Simulates rounds of one latency each, with a window of answers per round.
    private static func rounds(
        _ count: Int, _ pacer: inout Pacer, now: inout UInt64, maximum: Int = 512, latency: (Int) -> UInt64
    ) {
        for _ in 0..<count {
            let window = min(pacer.window, maximum)
            let time = latency(window)
            now += time
            pacer.isLimited = true
            for _ in 0..<window { _ = pacer.succeeded(latency: time, now: now, maximum: maximum) }
        }
    }

    @Test("doubles its window each round while answers come as fast as before, up to the maximum")
    func start() {
        var pacer = Pacer(policy: TrackerConfiguration.RetryPolicy())
        var now: UInt64 = 1_000_000_000
        #expect(pacer.window == 4)
        Self.rounds(4, &pacer, now: &now) { _ in 50_000_000 }
        #expect(pacer.window == 64)
        Self.rounds(6, &pacer, now: &now) { _ in 50_000_000 }
        #expect(pacer.window == 512)
        #expect(pacer.room(now: now, inFlight: 100, maximum: 64) == 0)
        #expect(pacer.room(now: now, inFlight: 10, maximum: 64) == 54)
    }

    @Test("does not grow while nothing waits")
    func noDemand() {
        var pacer = Pacer(policy: TrackerConfiguration.RetryPolicy())
        for round in 1...100 { _ = pacer.succeeded(latency: 1_000_000, now: UInt64(round) * 1_000_000, maximum: 64) }
        #expect(pacer.window == 4)
    }

    @Test("settles where the backend's queue begins")
    func congestion() {
        var pacer = Pacer(policy: TrackerConfiguration.RetryPolicy())
        var now: UInt64 = 1_000_000_000
        // The backend serves 1,000 a second at 20 ms latency: more than 20 at once only queue there.
        Self.rounds(400, &pacer, now: &now) { max(20_000_000, UInt64($0) * 1_000_000) }
        #expect(pacer.window >= 20 && pacer.window <= 60, "\(pacer.window)")
    }

    @Test("takes a higher latency for the network's own after four round trips, and the next one as well")
    func distance() {
        var pacer = Pacer(policy: TrackerConfiguration.RetryPolicy())
        var now: UInt64 = 1_000_000_000
        // Without demand, so that the window stays at its least. It would grow once the latency counts as usual.
        func growsOnDemand(_ latency: UInt64) -> Bool {
            var other = pacer
            other.isLimited = true
            _ = other.succeeded(latency: latency, now: now, maximum: 64)
            return other.window > pacer.window
        }
        func answer(_ latency: UInt64) {
            now += 10_000_000
            _ = pacer.succeeded(latency: latency, now: now, maximum: 64)
        }
        for _ in 0..<10 { answer(1_000_000) }
        for latency: UInt64 in [100_000_000, 400_000_000] {
            let latest = now + 20 * latency
            // The times at which the latency is noticed, and at which it counts as usual.
            let times = [false, true].map { grows in
                repeat { answer(latency) } while growsOnDemand(latency) != grows && now < latest
                return now
            }
            #expect(times[1] - times[0] > 3 * latency && times[1] - times[0] < 6 * latency)
        }
    }

    @Test("takes the failures of some for no outage, and those of nearly all for one")
    func away() {
        var pacer = Pacer(policy: TrackerConfiguration.RetryPolicy())
        var now: UInt64 = 1_000_000_000
        _ = pacer.succeeded(latency: 1_000_000, now: now, maximum: 64)
        for number in 0..<2_000 {
            now += 1_000_000
            if number % 3 == 0 {
                _ = pacer.succeeded(latency: 1_000_000, now: now, maximum: 64)
            } else {
                pacer.failed(.busy, retryAfter: nil, now: now, isUrgent: false)
            }
            #expect(!pacer.isAway)
        }
        #expect(pacer.window >= 4)
        for _ in 0..<24 { pacer.failed(.busy, retryAfter: nil, now: now, isUrgent: false) }
        #expect(pacer.isAway && pacer.pausedUntil >= now)
        #expect(pacer.room(now: pacer.pausedUntil, inFlight: 0, maximum: 64) == 1)
        #expect(pacer.room(now: pacer.pausedUntil, inFlight: 1, maximum: 64) == 0)
        #expect(pacer.succeeded(latency: 1_000_000, now: now + 5, maximum: 64) == 5)
        #expect(!pacer.isAway && pacer.window == 4)
    }

    @Test("takes three connections in a row that fail, or a first one, for an outage")
    func unreachable() {
        var first = Pacer(policy: TrackerConfiguration.RetryPolicy())
        first.failed(.unreachable, retryAfter: nil, now: 1, isUrgent: false)
        #expect(first.isAway)
        var later = Pacer(policy: TrackerConfiguration.RetryPolicy())
        _ = later.succeeded(latency: 1_000_000, now: 1, maximum: 64)
        for number in 1...3 {
            later.failed(.unreachable, retryAfter: nil, now: 2, isUrgent: false)
            #expect(later.isAway == (number == 3))
        }
    }

    @Test("forgets the failures of an outage when the backend is back")
    func recovery() {
        var pacer = Pacer(policy: TrackerConfiguration.RetryPolicy())
        var now: UInt64 = 1_000_000_000
        _ = pacer.succeeded(latency: 50_000_000, now: now, maximum: 512)
        for _ in 0..<24 { pacer.failed(.busy, retryAfter: nil, now: now, isUrgent: false) }
        #expect(pacer.isAway)
        now += 60_000_000_000
        #expect(pacer.succeeded(latency: 50_000_000, now: now, maximum: 512) != nil)
        now += 60_000_000
        pacer.failed(.busy, retryAfter: nil, now: now, isUrgent: false)
        // A single failure does not end the doubling at the start.
        Self.rounds(4, &pacer, now: &now) { _ in 50_000_000 }
        #expect(pacer.window >= 64, "\(pacer.window)")
    }

    @Test("never grows its window because of a failure")
    func failuresShrink() {
        var pacer = Pacer(policy: TrackerConfiguration.RetryPolicy())
        var now: UInt64 = 1_000_000_000
        _ = pacer.succeeded(latency: 1_000_000, now: now, maximum: 64)
        for _ in 0..<20 {
            now += 10_000_000
            let window = pacer.window
            pacer.failed(.busy, retryAfter: nil, now: now, isUrgent: false)
            #expect(pacer.window <= window)
        }
    }

    @Test("doubles the longest possible pause with each failed probe")
    func backoff() {
        var policy = TrackerConfiguration.RetryPolicy()
        policy.base = .seconds(1)
        policy.cap = .seconds(60)
        var longest = [UInt64](repeating: 0, count: 8)
        for _ in 0..<100 {
            var pacer = Pacer(policy: policy)
            var now: UInt64 = 1
            for probe in longest.indices {
                pacer.failed(.unreachable, retryAfter: nil, now: now, isUrgent: false)
                longest[probe] = max(longest[probe], pacer.pausedUntil - now)
                now = pacer.pausedUntil
            }
        }
        // Pauses are random: of 100, one is above half of the longest, except once in 2^100 runs.
        for (probe, pause) in longest.enumerated() {
            let most = min(60_000_000_000, 1_000_000_000 << UInt64(probe))
            #expect(pause <= most && pause > most / 2, "probe \(probe): \(pause)")
        }
    }

    @Test("waits the longest pause after a refusal, and cuts only its own pauses short")
    func pauses() {
        var pacer = Pacer(policy: TrackerConfiguration.RetryPolicy())
        pacer.failed(.refused, retryAfter: nil, now: 1, isUrgent: false)
        #expect(pacer.pausedUntil == 60_000_000_001)
        pacer.endOwnPause()
        #expect(pacer.pausedUntil == 0)
        pacer.failed(.busy, retryAfter: .seconds(9), now: 1, isUrgent: true)
        pacer.endOwnPause()
        #expect(pacer.pausedUntil == 9_000_000_001)
        for _ in 0..<50 {
            #expect(pacer.delay(attempts: 20, retryAfter: nil, isUrgent: true) <= 250_000_000)
            #expect(pacer.delay(attempts: 1, retryAfter: .seconds(3), isUrgent: true) >= 3_000_000_000)
        }
    }
}
