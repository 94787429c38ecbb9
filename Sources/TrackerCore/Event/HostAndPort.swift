/// A checked `Host` value (RFC 9110, section 7.2; RFC 3986, section 3.2.2): a registered name, an IPv4 address or an
/// IPv6 address in brackets, with an optional port.
struct HostAndPort: Equatable {
    /// The host without the brackets of an IPv6 address.
    let bareHost: String
    /// nil if there is none, or none after the colon.
    let port: UInt16?

    init?(_ text: some StringProtocol) {
        let end = text.endIndex
        var hostEnd = end
        var portStart: String.Index?
        if text.first == "[" {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            let after = text.index(after: bracket)
            if after < end {
                guard text[after] == ":" else { return nil }
                portStart = text.index(after: after)
            }
            hostEnd = after
            let inside = text[text.index(after: text.startIndex)..<bracket]
            guard Self.isIPv6(inside.utf8) else { return nil }
            bareHost = String(inside)
        } else {
            if let colon = text.firstIndex(of: ":") {
                hostEnd = colon
                portStart = text.index(after: colon)
            }
            let host = text[..<hostEnd]
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
        guard digits.utf8.count <= 5, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let number = UInt16(digits)
        else { return nil }
        port = number
    }

    /// unreserved / pct-encoded / sub-delims.
    private static func isRegisteredNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "%"), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
            true
        default: false
        }
    }

    /// A shape check: what stands in brackets must be safe to put into a URL, not a reachable address.
    private static func isIPv6(_ bytes: some Collection<UInt8>) -> Bool {
        var colons = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: ":"): colons += 1
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "."):
                break
            default: return false
            }
        }
        return colons >= 2 && colons <= 7 && bytes.count <= 45
    }
}
