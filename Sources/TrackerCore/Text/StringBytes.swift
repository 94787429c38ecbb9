extension String {
    /// Calls `body` with the string's UTF-8, without a copy and without the retain that `withUTF8` on a variable costs:
    /// each is an atomic operation, and an event has fifty strings.
    @inlinable @inline(__always)
    package borrowing func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        if let result = try utf8.withContiguousStorageIfAvailable(body) { return result }
        // A bridged Objective-C string.
        var copy = copy self
        return try copy.withUTF8(body)
    }
}

/// UTF-8 in memory.
enum StringBytes {
    /// Returns the longest valid prefix of at most `limit` bytes of valid UTF-8.
    static func prefix(of text: UnsafeBufferPointer<UInt8>, bytes limit: Int) -> UnsafeBufferPointer<UInt8> {
        guard text.count > limit else { return text }
        var end = limit
        // Continuation bytes are 10xxxxxx.
        while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        return UnsafeBufferPointer(rebasing: text[..<end])
    }
}

/// Lowercase hex digits, eight at a time.
enum HexDigits {
    /// Returns the eight digits of a number as the bytes of a word, in memory order.
    @inline(__always)
    static func eight(_ value: UInt32) -> UInt64 {
        // Spread the nibbles over the bytes, highest first.
        var word = UInt64(value)
        word = (word | word << 16) & 0x0000_FFFF_0000_FFFF
        word = (word | word << 8) & 0x00FF_00FF_00FF_00FF
        word = (word | word << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // From ten on the digit is a letter: `a` is 39 above the byte after `9`.
        let isLetter = (word &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (word &+ 0x3030_3030_3030_3030 &+ isLetter &* 39).bigEndian
    }
}

/// Decimal digits, eight at a time.
enum DecimalDigits {
    /// Returns the eight digits of a number, with leading zeros; the first is in the lowest byte.
    ///
    /// - Parameter value: below 100,000,000.
    @inline(__always)
    static func eight(_ value: UInt32) -> UInt64 {
        // Split into two halves, then four pairs, then eight digits. Division by a constant is multiplication by its
        // rounded reciprocal, which is exact for numbers this small.
        let (top, bottom) = value.quotientAndRemainder(dividingBy: 10_000)
        let halves = UInt64(top) | UInt64(bottom) << 32
        let hundreds = (halves &* 10_486) >> 20 & 0x0000_007F_0000_007F
        let pairs = hundreds | (halves &- hundreds &* 100) << 16
        let tens = (pairs &* 103) >> 10 & 0x000F_000F_000F_000F
        return (tens | (pairs &- tens &* 10) << 8) &+ 0x3030_3030_3030_3030
    }
}

/// Decodes bytes of unknown encoding: as UTF-8 if they are valid, as Latin-1 otherwise.
///
/// Latin-1 maps every byte to a character, so nothing is lost and nothing can fail.
package enum TextDecoding {
    @inlinable
    package static func string(_ bytes: some Collection<UInt8>) -> String {
        bytes.withContiguousStorageIfAvailable { string($0) } ?? string(Array(bytes))
    }

    // Non-generic overloads: other modules call these for each value of a request, where a generic function costs
    // several times as much.

    package static func string(_ bytes: [UInt8]) -> String { bytes.withUnsafeBufferPointer { string($0) } }

    package static func string(_ bytes: ArraySlice<UInt8>) -> String { bytes.withUnsafeBufferPointer { string($0) } }

    package static func string(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        // Nearly all are ASCII, and validating them as UTF-8 costs ten times as much.
        if ASCII.isWhole(bytes) { return String(decoding: bytes, as: UTF8.self) }
        return String(validating: bytes, as: UTF8.self) ?? latin1(bytes)
    }

    @inlinable
    package static func latin1(_ bytes: some Sequence<UInt8>) -> String {
        var scalars = String.UnicodeScalarView()
        for byte in bytes { scalars.append(Unicode.Scalar(byte)) }
        return String(scalars)
    }
}
