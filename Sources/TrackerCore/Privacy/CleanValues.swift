/// A cache of values without secrets: browsers send the same few with every request.
///
/// Stores a 64-bit hash with a random seed: two values collide once in 2^64, and nobody can search for such a pair.
struct CleanValues {
    private var hashes = [UInt64](repeating: 0, count: 512)
    private let seed = UInt64.random(in: .min ... .max)
    private var last: UInt64 = 0

    /// Returns whether the value is known to be clean, and selects it for ``insert()``.
    mutating func contains(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        last = hash(value)
        return hashes[Int(last % 512)] == last
    }

    mutating func insert() {
        hashes[Int(last % 512)] = last
    }

    private func hash(_ value: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let bytes = UnsafeRawBufferPointer(value)
        // Mixed before the first word, which could otherwise make up for another length.
        var hash = Self.stir(seed ^ UInt64(bytes.count))
        var position = 0
        while position &+ 8 <= bytes.count {
            hash = Self.stir(hash ^ bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position &+= 8
        }
        var rest: UInt64 = 0
        if bytes.count >= 8 {
            // The last eight bytes, some of them a second time.
            rest = bytes.loadUnaligned(fromByteOffset: bytes.count &- 8, as: UInt64.self)
        } else {
            for byte in bytes { rest = rest << 8 | UInt64(byte) }
        }
        return max(1, Self.stir(hash ^ rest))
    }

    @inline(__always)
    private static func stir(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
