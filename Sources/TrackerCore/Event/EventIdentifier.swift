import Synchronization

/// The identity of one event: a UUID of version 7 (RFC 9562, section 5.7), whose first 48 bits are the time.
///
/// It is what a backend sees as `Idempotency-Key`, so it stays the same through retries and the spool.
package struct EventIdentifier: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Bytes 0 to 7, the first in the highest bits.
    package let high: UInt64
    /// Bytes 8 to 15, the first in the highest bits.
    package let low: UInt64

    /// Any 16 bytes, whatever version they say.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Version 7 from its parts; bits that don't fit are cut off.
    ///
    /// - Parameters:
    ///   - milliseconds: since 1970; 48 bits.
    ///   - randomA: 12 bits.
    ///   - randomB: 62 bits.
    package init(milliseconds: UInt64, randomA: UInt64, randomB: UInt64) {
        high = milliseconds << 16 | 0x7000 | (randomA & 0xFFF)
        low = 0x8000_0000_0000_0000 | (randomB & 0x3FFF_FFFF_FFFF_FFFF)
    }

    /// Reads the 36-character form with hyphens, of any version and in either case (RFC 9562, section 4).
    package init?(text: some StringProtocol) {
        self.init(utf8: text.utf8)
    }

    /// Reads the 36 bytes of the text form.
    package init?(utf8 bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64) = (0, 0)
        var position = 0
        for byte in bytes {
            switch position {
            case 8, 13, 18, 23:
                guard byte == Self.hyphen else { return nil }
            case 36...:
                return nil
            default:
                guard let digit = Self.value(ofDigit: byte) else { return nil }
                // 18 characters make the first eight bytes: 16 digits and two hyphens.
                if position < 18 { words.0 = words.0 << 4 | digit } else { words.1 = words.1 << 4 | digit }
            }
            position += 1
        }
        guard position == 36 else { return nil }
        high = words.0
        low = words.1
    }

    /// When the identifier says it was made, in milliseconds since 1970.
    package var milliseconds: UInt64 { high >> 16 }

    /// 36 characters, lower case.
    package var text: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var position = 0
            render { byte in
                buffer[position] = byte
                position += 1
            }
            return position
        }
    }

    package var description: String { text }

    /// Appends the 36 bytes of the text form, without making a string.
    package func append(to buffer: inout [UInt8]) {
        buffer.reserveCapacity(buffer.count + 36)
        render { buffer.append($0) }
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    private static let hyphen = UInt8(ascii: "-")

    private static func value(ofDigit byte: UInt8) -> UInt64? { PercentEncoding.hexValue(byte).map(UInt64.init) }

    @inline(__always)
    private func render(_ emit: (UInt8) -> Void) {
        Self.digits(of: high, from: 60, count: 8, emit)
        emit(Self.hyphen)
        Self.digits(of: high, from: 28, count: 4, emit)
        emit(Self.hyphen)
        Self.digits(of: high, from: 12, count: 4, emit)
        emit(Self.hyphen)
        Self.digits(of: low, from: 60, count: 4, emit)
        emit(Self.hyphen)
        Self.digits(of: low, from: 44, count: 12, emit)
    }

    @inline(__always)
    private static func digits(of word: UInt64, from highest: UInt64, count: Int, _ emit: (UInt8) -> Void) {
        var shift = highest
        for _ in 0..<count {
            let digit = UInt8(truncatingIfNeeded: word >> shift) & 0xF
            emit(digit < 10 ? digit &+ 48 : digit &+ 87)
            shift = shift &- 4
        }
    }
}

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

/// What every attempt to deliver the same events carries as `Idempotency-Key`, so that a backend can tell a repetition.
///
/// A part of a parcel that has to travel by itself has a key that follows from the parcel's: whoever takes the parcel
/// apart again, after a restart or in another process, gets the same keys.
package struct ParcelKey: Hashable, Sendable, CustomStringConvertible {
    package let identifier: EventIdentifier
    /// Which lines of the parcel that `identifier` names; nil: all.
    package let lines: Range<UInt16>?

    package init(_ identifier: EventIdentifier, lines: Range<UInt16>? = nil) {
        self.identifier = identifier
        self.lines = lines
    }

    /// The key of some of this parcel's lines.
    ///
    /// - Parameter part: counted from this parcel's first line.
    func part(_ part: Range<Int>) -> ParcelKey {
        let start = lines?.lowerBound ?? 0
        return ParcelKey(
            identifier,
            lines: start &+ UInt16(clamping: part.lowerBound)..<start &+ UInt16(clamping: part.upperBound))
    }

    /// The identifier; for one line of a parcel with its position behind it, for several with the first and the last.
    package var text: String {
        guard let lines else { return identifier.text }
        let first = "\(identifier.text)-\(lines.lowerBound)"
        return lines.count == 1 ? first : "\(first)-\(lines.upperBound - 1)"
    }

    package var description: String { text }

    /// Appends the text's bytes, for a whole parcel without making a string.
    func append(to buffer: inout [UInt8]) {
        if lines == nil { identifier.append(to: &buffer) } else { buffer.append(contentsOf: text.utf8) }
    }
}
