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

    /// A byte that a header's value may contain (RFC 9110, section 5.5): no control character but tab.
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
