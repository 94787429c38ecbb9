/// A UUID of version 7 (RFC 9562, section 5.7): the time in milliseconds, then random bits.
package struct EventIdentifier: Sendable, Hashable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

    /// The 36 characters of the usual form, in lowercase.
    package var description: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var position = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 {
                    text[position] = UInt8(ascii: "-")
                    position += 1
                }
                let word = index < 8 ? high : low
                let byte = UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (index & 7)))
                text[position] = Self.hexDigit(byte >> 4)
                text[position + 1] = Self.hexDigit(byte & 15)
                position += 2
            }
            return position
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

/// Makes identifiers without a system call each: they need not be secret, only unique over processes and restarts.
struct EventIdentifierGenerator {
    private var state: UInt64
    private let salt: UInt64

    init(using generator: inout some RandomNumberGenerator) {
        state = generator.next()
        salt = generator.next()
    }

    init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    mutating func next(now: Int64 = SystemClock.wallNanoseconds()) -> EventIdentifier {
        let milliseconds = UInt64(max(0, now)) / 1_000_000
        let first = mix()
        return EventIdentifier(
            high: milliseconds << 16 | 0x7000 | first & 0x0FFF, low: 0x8000_0000_0000_0000 | (mix() ^ salt) >> 2)
    }

    /// SplitMix64: a full-period sequence, so that one generator never repeats itself.
    private mutating func mix() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
