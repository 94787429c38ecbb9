/// Percent-encoding (RFC 3986, section 2.1).
package enum PercentEncoding {
    @usableFromInline package static let digits: [UInt8] = Array("0123456789ABCDEF".utf8)

    @inlinable
    package static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "%"))
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
    }

    /// Encodes everything except unreserved characters, for use as one path segment or query value.
    package static func encodeComponent(_ text: String) -> String {
        encode(text.utf8, keeping: isUnreserved)
    }

    /// Encodes a decoded path for use in a URL; keeps slashes.
    @inlinable
    package static func encodePath(_ bytes: some Sequence<UInt8>) -> String {
        encode(bytes) { isUnreserved($0) || "/!$&'()*+,;=:@".utf8.contains($0) }
    }

    /// Encodes what is not allowed in a request target: control characters, spaces and non-ASCII bytes.
    @inlinable
    package static func encodeInvisible(_ bytes: some Sequence<UInt8>) -> String {
        encode(bytes) { ASCII.isVisible($0) }
    }

    /// A non-generic overload, because it runs for each request's target. Most targets need no escape.
    package static func encodeInvisible(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.withUnsafeBufferPointer { bytes in
            bytes.allSatisfy { ASCII.isVisible($0) }
                ? String(decoding: bytes, as: UTF8.self) : encode(bytes) { ASCII.isVisible($0) }
        }
    }

    @inlinable
    package static func encode(_ bytes: some Sequence<UInt8>, keeping isKept: (UInt8) -> Bool) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(bytes.underestimatedCount)
        for byte in bytes {
            if isKept(byte) { encoded.append(byte) } else { append(byte, to: &encoded) }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Returns the value of a hex digit in either case; nil for anything else.
    @inlinable
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }

    /// Decodes valid escapes once; leaves everything else unchanged.
    @inlinable
    package static func decode(_ bytes: some Sequence<UInt8>, plusIsSpace: Bool = false) -> [UInt8] {
        var decoded: [UInt8] = []
        var pending: [UInt8] = []
        for byte in bytes {
            if pending.count == 1 {
                if hexValue(byte) != nil {
                    pending.append(byte)
                    continue
                }
                decoded += pending
                pending.removeAll(keepingCapacity: true)
            } else if pending.count == 2 {
                if let high = hexValue(pending[1]), let low = hexValue(byte) {
                    decoded.append(high << 4 | low)
                    pending.removeAll(keepingCapacity: true)
                    continue
                }
                decoded += pending
                pending.removeAll(keepingCapacity: true)
            }
            if byte == UInt8(ascii: "%") {
                pending.append(byte)
            } else if plusIsSpace, byte == UInt8(ascii: "+") {
                decoded.append(UInt8(ascii: " "))
            } else {
                decoded.append(byte)
            }
        }
        return decoded + pending
    }

    /// Whether a percent sign is not followed by two hex digits.
    static func hasInvalidEscape(_ bytes: some Sequence<UInt8>) -> Bool {
        var wanted = 0
        for byte in bytes {
            if wanted > 0 {
                guard hexValue(byte) != nil else { return true }
                wanted -= 1
            } else if byte == UInt8(ascii: "%") {
                wanted = 2
            }
        }
        return wanted > 0
    }

    @inlinable
    package static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

extension StringProtocol {
    /// Returns the text without leading and trailing spaces, tabs, carriage returns and line feeds.
    package func trimmingSpaces() -> String {
        var slice = Substring(self).utf8
        while let first = slice.first, Self.isSpace(first) { slice = slice.dropFirst() }
        while let last = slice.last, Self.isSpace(last) { slice = slice.dropLast() }
        return String(Substring(slice))
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
}
