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
