/// Parses a `Cookie` header (RFC 6265, section 5.4) as leniently as Flask.
///
/// A cookie without a value has an empty one, a cookie without a name is skipped, quotes are removed, and the first
/// cookie of a name wins.
package enum CookieReader {
    /// Returns the cookies of a header, in order.
    package static func parse(_ header: some Collection<UInt8>) -> [(name: String, value: String)] {
        header.withContiguousStorageIfAvailable { parse($0) }
            ?? Array(header).withUnsafeBufferPointer { parse($0) }
    }

    /// Returns the cookies of a header by name.
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

    /// Removes the quotes and decodes `\"`, `\\` and `\ooo` (a byte in octal) inside them.
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

/// The name and attributes of a `Set-Cookie` value (RFC 6265, section 4.1), in the form of an event: all nine
/// attributes are always present, and the cookie's value is left out.
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

/// Splits a `Cookie` header without copying, into the ranges of names and values without surrounding blanks.
struct CookiePairs {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// Returns the next pair. Name and value may be empty; a missing value is empty.
    @inline(__always)
    mutating func next() -> (name: Range<Int>, value: Range<Int>)? {
        guard position < bytes.count else { return nil }
        let nameEnd = place(of: UInt8(ascii: "="), or: UInt8(ascii: ";"), from: position)
        let name = trimmed(position, nameEnd)
        var value = nameEnd..<nameEnd
        position = nameEnd
        if position < bytes.count, bytes[position] == UInt8(ascii: "=") {
            let end = endOfValue(from: position &+ 1)
            value = trimmed(position &+ 1, end)
            position = end
        }
        position &+= 1
        return (name, value)
    }

    /// Returns the end of a value. A quoted value may contain semicolons if its closing quote ends the value.
    @inline(__always)
    private func endOfValue(from start: Int) -> Int {
        var opening = start
        while opening < bytes.count, ASCII.isBlank(bytes[opening]) { opening &+= 1 }
        if opening < bytes.count, bytes[opening] == UInt8(ascii: "\""), let end = endOfQuoted(from: opening &+ 1) {
            return end
        }
        return place(of: UInt8(ascii: ";"), or: UInt8(ascii: ";"), from: start)
    }

    private func endOfQuoted(from start: Int) -> Int? {
        var index = start
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            index &+= bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count else { return nil }
        index &+= 1
        while index < bytes.count, ASCII.isBlank(bytes[index]) { index &+= 1 }
        return index == bytes.count || bytes[index] == UInt8(ascii: ";") ? index : nil
    }

    @inline(__always)
    private func trimmed(_ start: Int, _ end: Int) -> Range<Int> {
        var (start, end) = (start, end)
        while start < end, ASCII.isBlank(bytes[start]) { start &+= 1 }
        while end > start, ASCII.isBlank(bytes[end &- 1]) { end &-= 1 }
        return start..<end
    }

    /// Returns the next position of either byte, or the end; scans eight bytes at a time.
    @inline(__always)
    private func place(of one: UInt8, or other: UInt8, from start: Int) -> Int {
        let raw = UnsafeRawBufferPointer(bytes)
        var position = start
        while position &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let found = Self.marks(of: one, in: word) | Self.marks(of: other, in: word)
            if found != 0 { return position &+ found.trailingZeroBitCount / 8 }
            position &+= 8
        }
        while position < bytes.count, bytes[position] != one, bytes[position] != other { position &+= 1 }
        return position
    }

    /// Sets the high bit of each byte equal to `byte`; exact up to the first match.
    @inline(__always)
    private static func marks(of byte: UInt8, in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let others = word ^ (ones &* UInt64(byte))
        return (others &- ones) & ~others & (ones &* 0x80)
    }
}
