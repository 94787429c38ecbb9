/// Reads a `Cookie` header (RFC 6265, section 5.4) the way Flask does: forgiving. A name without a value counts as empty,
/// a pair without a name is passed over, quotes are taken off, and the first of a name wins.
package enum CookieReader {
    /// The cookies of a header, in order.
    package static func parse(_ header: some Collection<UInt8>) -> [(name: String, value: String)] {
        header.withContiguousStorageIfAvailable { parse($0) }
            ?? Array(header).withUnsafeBufferPointer { parse($0) }
    }

    /// The same by name.
    package static func dictionary(_ header: some Collection<UInt8>) -> [String: String] {
        Dictionary(parse(header).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    private static func parse(_ header: UnsafeBufferPointer<UInt8>) -> [(name: String, value: String)] {
        var cookies: [(name: String, value: String)] = []
        var known: Set<String> = []
        var pairs = CookiePairs(header)
        while let pair = pairs.next() {
            if pair.name.isEmpty { continue }
            let name = TextDecoding.string(UnsafeBufferPointer(rebasing: header[pair.name]))
            guard known.insert(name).inserted else { continue }
            cookies.append((name, TextDecoding.string(unquoted(header[pair.value]))))
        }
        return cookies
    }

    /// Takes the quotes off, and reads `\"`, `\\` and `\ooo` (a byte in octal) inside of them.
    private static func unquoted(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
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
}

/// Reads a `Set-Cookie` value (RFC 6265, section 4.1) into the form an event has for it: a name, and nine attributes
/// that are always there. The cookie's value is not part of it.
struct SetCookieAttributes: Equatable {
    var name = ""
    var expires = ""
    var path = ""
    var comment = ""
    var domain = ""
    var maximumAge: Int64?
    var isSecure = false
    var isHTTPOnly = false
    var version = ""
    var sameSite = ""

    init?(_ text: String) {
        var isFirst = true
        for part in text.split(separator: ";", omittingEmptySubsequences: false) {
            let equals = part.utf8.firstIndex(of: UInt8(ascii: "="))
            let key = part[..<(equals ?? part.endIndex)].trimmingSpaces()
            let value = equals.map { part[part.utf8.index(after: $0)...].trimmingSpaces() } ?? ""
            if isFirst {
                guard equals != nil, !key.isEmpty else { return nil }
                name = key
                isFirst = false
                continue
            }
            switch key.lowercased() {
            case "expires": expires = value
            case "path": path = value
            case "comment": comment = value
            case "domain": domain = value
            case "max-age": maximumAge = Int64(value)
            case "secure": isSecure = true
            case "httponly": isHTTPOnly = true
            case "version": version = value
            case "samesite": sameSite = value
            default: break
            }
        }
    }
}
