/// Classes of ASCII characters, by byte; bytes above 0x7F are in none of them.
package enum ASCII {
    @inlinable @inline(__always)
    package static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inlinable @inline(__always)
    package static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    @inlinable @inline(__always)
    package static func isCapital(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }

    @inlinable @inline(__always)
    package static func isLetterOrDigit(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }

    @inlinable @inline(__always)
    package static func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }

    /// A decimal digit or `a` to `f`.
    @inlinable @inline(__always)
    package static func isLowercaseHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || byte &- 0x61 < 6 }

    /// A space or a tab (RFC 9110, section 5.6.3).
    @inlinable @inline(__always)
    package static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Neither a space nor a control character (VCHAR of RFC 5234, appendix B.1).
    @inlinable @inline(__always)
    package static func isVisible(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }

    @inlinable @inline(__always)
    package static func lowercase(_ byte: UInt8) -> UInt8 { isCapital(byte) ? byte | 0x20 : byte }

    /// A character of a token, such as a method or a header name: tchar (RFC 9110, section 5.6.2).
    @inlinable @inline(__always)
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "#"),
            UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"),
            UInt8(ascii: "+"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// A control character (CTL of RFC 5234, appendix B.1).
    @inlinable @inline(__always)
    package static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }

    /// A byte that a header's value may contain (RFC 9110, section 5.5): no control character except tab.
    @inlinable @inline(__always)
    package static func isFieldByte(_ byte: UInt8) -> Bool { !isControl(byte) || byte == 0x09 }

    /// Whether a header's value may consist of these bytes.
    package static func isFieldValue(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        // Without branches, so that the compiler handles many bytes at a time.
        var forbidden: UInt8 = 0
        for byte in bytes {
            let isLow: UInt8 = byte < 0x20 ? 1 : 0
            let isTab: UInt8 = byte == 0x09 ? 1 : 0
            let isDelete: UInt8 = byte == 0x7F ? 1 : 0
            forbidden |= (isLow ^ isTab) | isDelete
        }
        return forbidden == 0
    }

    /// Whether all bytes are ASCII.
    package static func isWhole(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var all: UInt8 = 0
        for byte in bytes { all |= byte }
        return all < 0x80
    }

    /// Returns a header's value without surrounding white space, which is not part of it (RFC 9110, section 5.5).
    @inlinable
    package static func trimmed(_ value: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var (start, end) = (0, value.count)
        while start < end, isBlank(value[start]) { start &+= 1 }
        while end > start, isBlank(value[end &- 1]) { end &-= 1 }
        return UnsafeBufferPointer(rebasing: value[start..<end])
    }

    /// Compares two strings ignoring ASCII case, as for header names (RFC 9110, section 5.1).
    @inlinable
    package static func equalsIgnoringCase(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { lowercase($0) == lowercase($1) }
    }

    @inlinable
    package static func equalsIgnoringCase(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return left.withBytes { left in
            right.withBytes { right in
                for index in left.indices where lowercase(left[index]) != lowercase(right[index]) { return false }
                return true
            }
        }
    }
}

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
        // Digits from ten on are letters: `a` is 39 above the byte after `9`.
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
        // Nearly all strings are ASCII, and validating them as UTF-8 costs ten times as much.
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
