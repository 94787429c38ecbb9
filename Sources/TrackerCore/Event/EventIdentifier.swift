import Synchronization

/// The identifier of an event or parcel: a version 7 UUID (RFC 9562, section 5.7), whose first 48 bits are the time.
///
/// The backend sees it as `Idempotency-Key`, so it stays the same across retries and the spool.
package struct EventIdentifier: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Bytes 0 to 7, the first in the highest bits.
    package let high: UInt64
    /// Bytes 8 to 15, the first in the highest bits.
    package let low: UInt64

    /// Creates an identifier from any 16 bytes, whatever their version.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Creates a version 7 identifier; excess bits are cut off.
    ///
    /// - Parameters:
    ///   - milliseconds: since 1970; 48 bits.
    ///   - randomA: 12 bits.
    ///   - randomB: 62 bits.
    package init(milliseconds: UInt64, randomA: UInt64, randomB: UInt64) {
        high = milliseconds << 16 | 0x7000 | (randomA & 0xFFF)
        low = 0x8000_0000_0000_0000 | (randomB & 0x3FFF_FFFF_FFFF_FFFF)
    }

    /// Parses the 36-character form with hyphens, of any version and in either case (RFC 9562, section 4).
    package init?(text: some StringProtocol) {
        self.init(utf8: text.utf8)
    }

    /// Parses the 36 bytes of the text form.
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
                // The first 18 characters are eight bytes: 16 digits and two hyphens.
                if position < 18 { words.0 = words.0 << 4 | digit } else { words.1 = words.1 << 4 | digit }
            }
            position += 1
        }
        guard position == 36 else { return nil }
        high = words.0
        low = words.1
    }

    /// The time of creation, in milliseconds since 1970.
    package var milliseconds: UInt64 { high >> 16 }

    /// The text form: 36 characters, in lowercase.
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

    /// Appends the 36 bytes of the text form, without creating a string.
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

/// Generates event identifiers on any thread, without a lock or a system call.
///
/// Each identifier of a generator is greater than the one before (RFC 9562, section 6.2, method 1: a twelve-bit
/// counter, which overflows into the time), unless the clock is set back by more than ten seconds; then identifiers
/// follow the clock, and stay unique. The other 62 bits mix a count with a 128-bit seed: they need not be secret, only
/// different in every process and after every start.
package final class EventIdentifierGenerator: Sendable {
    /// The last time in milliseconds, shifted left by the twelve bits of the counter, plus the counter.
    private let lastTick: Atomic<UInt64>
    private let count: Atomic<UInt64>
    private let seed: UInt64
    private let mask: UInt64
    private let now: @Sendable () -> UInt64

    /// - Parameters:
    ///   - random: the source of the seed; not used after `init`.
    ///   - now: returns nanoseconds since 1970.
    package init(
        random: inout some RandomNumberGenerator, now: @escaping @Sendable () -> UInt64 = SystemClock.epochNanoseconds
    ) {
        lastTick = Atomic(0)
        count = Atomic(0)
        seed = random.next()
        mask = random.next()
        self.now = now
    }

    /// Creates a generator seeded by the system.
    package convenience init(now: @escaping @Sendable () -> UInt64 = SystemClock.epochNanoseconds) {
        var random = SystemRandomNumberGenerator()
        self.init(random: &random, now: now)
    }

    package func next() -> EventIdentifier {
        next(at: now())
    }

    /// - Parameter nanoseconds: since 1970; saves a clock read if the caller already has the time.
    package func next(at nanoseconds: UInt64) -> EventIdentifier {
        // Distinct multiples of an odd constant, mixed by a bijection: no 64-bit value repeats within one generator.
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        let random = Self.mix(seed &+ number &* 0x9E37_79B9_7F4A_7C15) ^ mask
        let tick = advance(to: (nanoseconds / 1_000_000) & 0xFFFF_FFFF_FFFF, random: random)
        return EventIdentifier(milliseconds: tick >> 12, randomA: tick, randomB: random)
    }

    /// Returns the next tick: greater than all before, unless the clock went far back.
    private func advance(to milliseconds: UInt64, random: UInt64) -> UInt64 {
        let farBack: UInt64 = 10_000
        // Start at random in the lower half of the counter, so that identifiers of two processes don't line up and at
        // least 2,048 fit into a millisecond.
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

    /// The SplitMix64 finalizer: invertible, and every input bit affects every output bit.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// The `Idempotency-Key` of a parcel: the same for every delivery attempt, so that the backend can detect a repeat.
///
/// A part of a parcel that is sent by itself has a key derived from the parcel's: splitting the parcel again, after a
/// restart or in another process, gives the same keys.
package struct ParcelKey: Hashable, Sendable, CustomStringConvertible {
    package let identifier: EventIdentifier
    /// The lines that the key covers, of the parcel that `identifier` names; nil: all.
    package let lines: Range<UInt16>?

    package init(_ identifier: EventIdentifier, lines: Range<UInt16>? = nil) {
        self.identifier = identifier
        self.lines = lines
    }

    /// Returns the key of some of this parcel's lines.
    ///
    /// - Parameter part: counted from this parcel's first line.
    func part(_ part: Range<Int>) -> ParcelKey {
        let start = lines?.lowerBound ?? 0
        return ParcelKey(
            identifier,
            lines: start &+ UInt16(clamping: part.lowerBound)..<start &+ UInt16(clamping: part.upperBound))
    }

    /// The identifier, followed by the position of a single line, or by those of the first and last of several.
    package var text: String {
        guard let lines else { return identifier.text }
        let first = "\(identifier.text)-\(lines.lowerBound)"
        return lines.count == 1 ? first : "\(first)-\(lines.upperBound - 1)"
    }

    package var description: String { text }

    /// Appends the text's bytes; for a whole parcel, without creating a string.
    func append(to buffer: inout [UInt8]) {
        if lines == nil { identifier.append(to: &buffer) } else { buffer.append(contentsOf: text.utf8) }
    }
}
