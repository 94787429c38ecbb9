/// Classes of ASCII characters by their bytes; bytes beyond ASCII are in none of them.
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

    /// A hex digit without capitals.
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

    /// What tokens are made of, as methods and header names are: tchar (RFC 9110, section 5.6.2).
    @inlinable @inline(__always)
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "#"),
            UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"),
            UInt8(ascii: "+"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: isLetterOrDigit(byte)
        }
    }

    /// Whether there are no bytes beyond ASCII.
    package static func isWhole(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var all: UInt8 = 0
        for byte in bytes { all |= byte }
        return all < 0x80
    }

    /// Whether two texts differ in the case of ASCII letters at most, as header names may (RFC 9110, section 5.1).
    @inlinable
    package static func areSame(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { lowercase($0) == lowercase($1) }
    }

    @inlinable
    package static func areSame(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return left.withBytes { left in
            right.withBytes { right in
                for index in left.indices where lowercase(left[index]) != lowercase(right[index]) { return false }
                return true
            }
        }
    }
}
