#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A visitor's session: 128 random bits, written as 32 lowercase hex digits.
///
/// Held as two integers, so that reading one from a cookie allocates nothing.
public struct SessionIdentifier: Sendable, Hashable, LosslessStringConvertible {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new session, from the system's random generator.
    public init() {
        // One call into the kernel; the generator makes two.
        var bits: (high: UInt64, low: UInt64) = (0, 0)
        let isDone = withUnsafeMutableBytes(of: &bits) { room in
            room.baseAddress.map { getentropy($0, room.count) == 0 } ?? false
        }
        if isDone {
            self.init(high: bits.high, low: bits.low)
            return
        }
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    init(using generator: inout some RandomNumberGenerator) {
        self.init(high: generator.next(), low: generator.next())
    }

    /// Reads 32 hex digits.
    ///
    /// - Returns: nil for anything else.
    public init?(_ description: String) {
        self.init(utf8: description.utf8)
    }

    init?(utf8: some Sequence<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0
        for byte in utf8 {
            guard count < 32, let digit = PercentEncoding.hexValue(byte) else { return nil }
            if count < 16 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
            count += 1
        }
        guard count == 32 else { return nil }
        self.init(high: high, low: low)
    }

    /// The 32 lowercase hex digits.
    public var description: String {
        var writer = JSONWriter(capacity: 64)
        writer.hexadecimal(high)
        writer.hexadecimal(low)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
