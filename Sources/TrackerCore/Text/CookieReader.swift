/// Reads a `Cookie` header (RFC 6265, section 5.4) the way Flask does: forgiving. A name without a value counts as empty,
/// a pair without a name is passed over, quotes are taken off, and the first of a name wins.
package enum CookieReader {
    /// The cookies of a header, in order.
    package static func parse(_ header: some Collection<UInt8>) -> [(name: String, value: String)] {
        let bytes = Array(header)
        var cookies: [(name: String, value: String)] = []
        var known: Set<String> = []
        var position = 0
        while position < bytes.count {
            let nameEnd = bytes[position...].firstIndex { isSemicolon($0) || isEquals($0) } ?? bytes.count
            let name = trimmed(bytes[position..<nameEnd])
            var value: ArraySlice<UInt8> = []
            position = nameEnd
            if position < bytes.count, isEquals(bytes[position]) {
                let valueStart = position + 1
                let valueEnd = endOfValue(bytes, from: valueStart)
                value = trimmed(bytes[valueStart..<valueEnd])
                position = valueEnd
            }
            position += 1
            if name.isEmpty { continue }
            let key = TextDecoding.string(name)
            if known.insert(key).inserted { cookies.append((key, TextDecoding.string(unquoted(value)))) }
        }
        return cookies
    }
    /// A quoted value may hold semicolons, if its closing quote ends the value.
    private static func endOfValue(_ bytes: [UInt8], from start: Int) -> Int {
        let plainEnd = bytes[start...].firstIndex(where: isSemicolon) ?? bytes.count
        guard let opening = bytes[start...].firstIndex(where: { !isSpace($0) }), bytes[opening] == UInt8(ascii: "\"")
        else { return plainEnd }
        var index = opening + 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count else { return plainEnd }
        let after = bytes[(index + 1)...].firstIndex { !isSpace($0) } ?? bytes.count
        return after == bytes.count || isSemicolon(bytes[after]) ? after : plainEnd
    }

    /// Takes the quotes off, and reads `\"`, `\\` and `\ooo` (a byte in octal) inside of them.
    private static func unquoted(_ value: ArraySlice<UInt8>) -> [UInt8] {
        guard value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") else {
            return Array(value)
        }
        let inner = Array(value.dropFirst().dropLast())
        var text: [UInt8] = []
        var index = 0
        while index < inner.count {
            guard inner[index] == UInt8(ascii: "\\"), index + 1 < inner.count else {
                text.append(inner[index])
                index += 1
                continue
            }
            if let byte = octal(inner[(index + 1)...]) {
                text.append(byte)
                index += 4
            } else {
                text.append(inner[index + 1])
                index += 2
            }
        }
        return text
    }

    private static func octal(_ bytes: ArraySlice<UInt8>) -> UInt8? {
        guard bytes.count >= 3 else { return nil }
        var value = 0
        for byte in bytes.prefix(3) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else { return nil }
            value = value * 8 + Int(byte - UInt8(ascii: "0"))
        }
        return UInt8(exactly: value)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop(while: isSpace)
        while let last = bytes.last, isSpace(last) { bytes = bytes.dropLast() }
        return bytes
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    private static func isSemicolon(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ";") }
    private static func isEquals(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "=") }
}
