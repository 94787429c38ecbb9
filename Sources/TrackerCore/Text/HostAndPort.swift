/// A validated `Host` value (RFC 9110, section 7.2; RFC 3986, section 3.2.2): a registered name, an IPv4 address or an
/// IPv6 address in brackets, with an optional port.
package struct HostAndPort: Equatable {
    /// The host without the brackets of an IPv6 address.
    package let bareHost: String
    /// nil if there is none, or nothing after the colon.
    package let port: UInt16?

    /// Returns a host as it stands in a URL: an IPv6 address in brackets (RFC 3986, section 3.2.2).
    package static func bracketed(_ host: String) -> String {
        host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
    }

    package init?(_ text: some StringProtocol) {
        // Works on bytes: all syntax is ASCII, and iterating over characters costs ten times as much.
        let bytes = text.utf8
        let end = bytes.endIndex
        var portStart: String.Index?
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let after = bytes.index(after: bracket)
            if after < end {
                guard bytes[after] == UInt8(ascii: ":") else { return nil }
                portStart = bytes.index(after: after)
            }
            let inside = text[bytes.index(after: bytes.startIndex)..<bracket]
            guard Self.isIPv6(inside.utf8) else { return nil }
            bareHost = String(inside)
        } else {
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
            portStart = colon.map { bytes.index(after: $0) }
            let host = text[..<(colon ?? end)]
            guard !host.isEmpty, host.utf8.count <= 255, host.utf8.allSatisfy(Self.isRegisteredNameByte),
                !PercentEncoding.hasInvalidEscape(host.utf8)
            else { return nil }
            bareHost = String(host)
        }
        guard let portStart, portStart < end else {
            port = nil
            return
        }
        let digits = text[portStart...]
        guard digits.utf8.count <= 5, digits.utf8.allSatisfy(ASCII.isDigit),
            let number = UInt16(digits)
        else { return nil }
        port = number
    }

    /// A fast check for common `Host` values: a name or an IPv4 address of letters, digits, dots and hyphens, with an
    /// optional port. If true, the value is valid; if false, it may still be valid.
    package static func isPlain(_ text: String) -> Bool {
        text.withBytes { bytes in
            var index = 0
            while index < bytes.count, isPlainNameByte(bytes[index]) { index += 1 }
            guard index > 0, bytes.count <= 255 else { return false }
            guard index < bytes.count else { return true }
            guard bytes[index] == UInt8(ascii: ":"), bytes.count - index <= 6 else { return false }
            var port = 0
            for byte in bytes[(index + 1)...] {
                guard ASCII.isDigit(byte) else { return false }
                port = port * 10 + Int(byte - UInt8(ascii: "0"))
                if port > 65_535 { return false }
            }
            return true
        }
    }

    private static func isPlainNameByte(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    }

    /// unreserved / pct-encoded / sub-delims.
    private static func isRegisteredNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "%"),
            UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"),
            UInt8(ascii: "="):
            true
        default: ASCII.isLetterOrDigit(byte)
        }
    }

    /// Checks the shape only: the text must be safe in a URL, but need not be a valid address.
    private static func isIPv6(_ bytes: some Collection<UInt8>) -> Bool {
        var colons = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: ":"): colons += 1
            case UInt8(ascii: "."): break
            default: guard ASCII.isHexDigit(byte) else { return false }
            }
        }
        return colons >= 2 && colons <= 7 && bytes.count <= 45
    }
}
