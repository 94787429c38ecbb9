import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

@Suite("The delivery brake")
struct DeliveryBrakeTests {
    /// A thread whose clock is moved by hand.
    private final class Bench: Sendable {
        private let state = Mutex((now: UInt64(1_000_000_000), usage: ThreadUsage(ran: 0, waited: 0), refusals: 0))

        var usage: ThreadUsage { state.withLock { $0.usage } }

        /// Lets a millisecond go by.
        func pass(ran: Double = 0, waited: Double = 0, refused: Int = 0) -> (now: UInt64, refusals: Int) {
            state.withLock { state in
                state.now += 1_000_000
                state.usage.ran += UInt64(ran * 1_000_000)
                state.usage.waited += UInt64(waited * 1_000_000)
                state.refusals += refused
                return (state.now, state.refusals)
            }
        }
    }

    /// - Returns: the share of the last 900 of 1,000 milliseconds in which the thread ran, if it ran whenever allowed.
    private static func share(processors: Int, waited: Double, refused: Int) -> Double {
        let bench = Bench()
        var brake = DeliveryBrake(processors: processors) { bench.usage }
        var before: UInt64 = 0
        var mayRun = true
        for millisecond in 0..<1000 {
            let (now, refusals) = bench.pass(
                ran: mayRun ? 1 - waited : 0, waited: mayRun ? waited : 0, refused: refused)
            if millisecond == 99 { before = bench.usage.ran }
            // While it rests, each call says so.
            mayRun = brake.rest(now: now, refusals: refusals) == nil
        }
        return Double(bench.usage.ran - before) / 900_000_000
    }

    @Test("is off while the queue takes all events, or processors are free")
    func off() {
        #expect(Self.share(processors: 2, waited: 0.5, refused: 0) == 0.5)
        #expect(Self.share(processors: 2, waited: 0.25, refused: 5) == 0.75)
    }

    @Test("leaves delivery its share of busy processors while the queue overflows", arguments: [1, 2, 8])
    func on(processors: Int) {
        let share = Self.share(processors: processors, waited: 0.5, refused: 5)
        let meant = Double(processors) / 30
        // Exceeded by one window in 26, which probes whether the processors are still busy.
        #expect(share >= meant && share < meant + 0.06, "\(share)")
    }

    @Test("is off where one thread is no more than its share")
    func manyProcessors() {
        #expect(Self.share(processors: 30, waited: 0.5, refused: 5) == 0.5)
    }

    @Test("goes off when the queue takes events again")
    func released() {
        let bench = Bench()
        var brake = DeliveryBrake(processors: 1) { bench.usage }
        var rests = 0
        for millisecond in 0..<300 {
            let (now, refusals) = bench.pass(ran: 0.4, waited: 0.6, refused: millisecond < 150 ? 1 : 0)
            let rest = brake.rest(now: now, refusals: refusals)
            if millisecond < 150, rest != nil { rests += 1 }
            if millisecond > 190 { #expect(rest == nil) }
        }
        #expect(rests > 0)
    }

    @Test("is off where the kernel does not say how long a thread waited")
    func unknown() {
        var brake = DeliveryBrake(processors: 1) { nil }
        for turn in 1..<1000 { #expect(brake.rest(now: UInt64(turn) * 1_000_000, refusals: turn) == nil) }
    }
}

@Suite("A thread's use of processors")
struct ThreadUsageTests {
    @Test("is read from the kernel's text")
    func text() {
        #expect(ThreadUsage("316162 76209 3\n".utf8) == ThreadUsage(ran: 316_162, waited: 76_209))
        for text in ["", "1 2", "1 2 3 4", "a b c", "-1 2 3", "1\t2 3"] { #expect(ThreadUsage(text.utf8) == nil) }
    }

    #if os(Linux)
        @Test("grows with the processor time of the thread, and never more")
        func grows() throws {
            let reader = try #require(ThreadUsage.Reader())
            let start = clock_gettime_nsec(CLOCK_THREAD_CPUTIME_ID)
            let before = try #require(reader.read())
            var last = before
            // The kernel updates the value at its ticks, late on a busy machine. The limit is the thread's own time.
            while last.ran - before.ran < 50_000_000 {
                let now = try #require(reader.read())
                #expect(now.ran >= last.ran)
                last = now
                let used = clock_gettime_nsec(CLOCK_THREAD_CPUTIME_ID) - start
                #expect(now.ran - before.ran <= used + 10_000_000)
                try #require(used < 10_000_000_000, "\(now.ran - before.ran) of \(used)")
            }
        }

        private func clock_gettime_nsec(_ clock: clockid_t) -> UInt64 {
            var time = timespec()
            clock_gettime(clock, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }
    #endif
}
