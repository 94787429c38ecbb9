/// Percent-encoding of URL parts (RFC 3986, section 2.1).
enum PercentEncoding {
    /// Decodes once. A percent sign that no two hex digits follow stays as it is.
    static func decode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index != bytes.endIndex {
            let byte = bytes[index]
            index = bytes.index(after: index)
            guard byte == UInt8(ascii: "%"), index != bytes.endIndex, let high = hexValue(bytes[index]) else {
                decoded.append(byte)
                continue
            }
            let second = bytes.index(after: index)
            guard second != bytes.endIndex, let low = hexValue(bytes[second]) else {
                decoded.append(byte)
                continue
            }
            decoded.append(high << 4 | low)
            index = bytes.index(after: second)
        }
        return decoded
    }

    /// Encodes a decoded path for use in a URL; slashes stay.
    static func encodePath(_ bytes: some Sequence<UInt8>) -> String {
        encode(bytes) { isUnreserved($0) || "/!$&'()*+,;=:@".utf8.contains($0) }
    }

    /// Encodes what may not be part of a request line at all: controls, spaces and bytes above ASCII.
    static func encodeInvisible(_ bytes: some Sequence<UInt8>) -> String {
        encode(bytes) { $0 > 0x20 && $0 < 0x7F }
    }

    private static func encode(_ bytes: some Sequence<UInt8>, keeping isKept: (UInt8) -> Bool) -> String {
        let digits: StaticString = "0123456789ABCDEF"
        var encoded: [UInt8] = []
        encoded.reserveCapacity(bytes.underestimatedCount)
        digits.withUTF8Buffer { digits in
            for byte in bytes {
                if isKept(byte) {
                    encoded.append(byte)
                } else {
                    encoded.append(UInt8(ascii: "%"))
                    encoded.append(digits[Int(byte >> 4)])
                    encoded.append(digits[Int(byte & 15)])
                }
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
