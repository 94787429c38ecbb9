import Synchronization

/// Makes event identifiers from any thread without a lock or a system call.
///
/// Within one generator each identifier is greater than the one before (RFC 9562, section 6.2, method 1: twelve counter
/// bits, which run over into the time), as long as the clock is not set back by more than ten seconds; then they follow
/// the clock, and stay unique. The other 62 bits mix a count with a 128-bit seed: they need not be secret, only
/// different in every process and after every start.
package final class EventIdentifierGenerator: Sendable {
    /// The last time in milliseconds, shifted up by the twelve bits of the counter.
    private let lastTick: Atomic<UInt64>
    private let count: Atomic<UInt64>
    private let seed: UInt64
    private let mask: UInt64
    private let now: @Sendable () -> UInt64

    /// - Parameters:
    ///   - random: asked for the seed, here and never again.
    ///   - now: nanoseconds since 1970.
    package init(
        random: inout some RandomNumberGenerator, now: @escaping @Sendable () -> UInt64 = SystemClock.epochNanoseconds
    ) {
        lastTick = Atomic(0)
        count = Atomic(0)
        seed = random.next()
        mask = random.next()
        self.now = now
    }

    /// Seeded by the system.
    package convenience init(now: @escaping @Sendable () -> UInt64 = SystemClock.epochNanoseconds) {
        var random = SystemRandomNumberGenerator()
        self.init(random: &random, now: now)
    }

    package func next() -> EventIdentifier {
        next(at: now())
    }

    /// - Parameter nanoseconds: since 1970; saves asking the clock where the caller has the time already.
    package func next(at nanoseconds: UInt64) -> EventIdentifier {
        // Odd multiples of a constant, mixed by a bijection: no value comes twice within one generator.
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        let random = Self.mix(seed &+ number &* 0x9E37_79B9_7F4A_7C15) ^ mask
        let tick = advance(to: (nanoseconds / 1_000_000) & 0xFFFF_FFFF_FFFF, random: random)
        return EventIdentifier(milliseconds: tick >> 12, randomA: tick, randomB: random)
    }

    /// The tick of this identifier: greater than all before, unless the clock went far back.
    private func advance(to milliseconds: UInt64, random: UInt64) -> UInt64 {
        let farBack: UInt64 = 10_000
        // A random start in the lower half of the counter: identifiers of two processes don't line up, and at least
        // 2,048 fit into the millisecond.
        let fresh = milliseconds << 12 | random >> 53
        var last = lastTick.load(ordering: .relaxed)
        while true {
            let isFresh = milliseconds > last >> 12 || (last >> 12) - milliseconds > farBack
            let tick = isFresh ? fresh : last &+ 1
            let (exchanged, original) = lastTick.weakCompareExchange(
                expected: last, desired: tick, ordering: .relaxed)
            if exchanged { return tick }
            last = original
        }
    }

    /// The finaliser of the SplitMix64 generator: invertible, every bit of the input reaches every bit of the output.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
