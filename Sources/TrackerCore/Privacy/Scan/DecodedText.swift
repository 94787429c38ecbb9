/// A text as it is meant, with the place of each byte in the text as it stands.
///
/// It undoes, in two passes, percent-encoding of up to five levels (RFC 3986, section 2.1), and then the escapes of JSON
/// (RFC 8259, section 7) and XML; full-width letters become ASCII, accents are taken off, and invisible characters left
/// out, so that names can be compared. Each pass looks at a byte a constant number of times, and never writes more than
/// it reads.
struct DecodedText {
    private(set) var bytes: [UInt8] = []
    /// For each byte where it began in the source, and in the highest eight bits how deep it was encoded.
    private(set) var marks: [UInt32] = []

    static let mostLevels = 5

    /// Whether the text has anything to decode: a percent sign, a backslash, a byte beyond ASCII, or both a `&` and a
    /// `;`. Most texts have not.
    static func needsDecoding(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let raw = UnsafeRawBufferPointer(text)
        var position = 0
        while position < raw.count {
            var word: UInt64 = 0
            if position &+ 8 <= raw.count {
                word = raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            } else if raw.count >= 8 {
                // The last eight again, some of which have been read.
                word = raw.loadUnaligned(fromByteOffset: raw.count &- 8, as: UInt64.self)
            } else {
                // Zeros match nothing that is looked for.
                for byte in raw { word = word << 8 | UInt64(byte) }
            }
            position &+= 8
            // "$", "%", "&" and "'" differ in their last two bits.
            let marks = has(0x24, word & 0xFCFC_FCFC_FCFC_FCFC)
            guard (word | marks | has(0x5C, word)) & 0x8080_8080_8080_8080 != 0 else { continue }
            if (word | has(0x25, word) | has(0x5C, word)) & 0x8080_8080_8080_8080 != 0 { return true }
            if has(0x26, word) & 0x8080_8080_8080_8080 != 0 { return hasEntity(text, from: max(0, position - 8)) }
        }
        return false
    }

    /// Whether what would be decoded stands behind the first `&`: an entity of XML, or something else.
    private static func hasEntity(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
        var hasAmpersand = false
        for byte in text[min(start, text.count)...] {
            if byte == UInt8(ascii: "%") || byte == UInt8(ascii: "\\") || byte >= 0x80 { return true }
            if byte == UInt8(ascii: "&") { hasAmpersand = true }
            if byte == UInt8(ascii: ";"), hasAmpersand { return true }
        }
        return false
    }

    /// The highest bit of each byte that equals the one given. By the known bit trick, exact for whether there is one.
    @inline(__always)
    private static func has(_ byte: UInt64, _ word: UInt64) -> UInt64 {
        let difference = word ^ byte &* 0x0101_0101_0101_0101
        return (difference &- 0x0101_0101_0101_0101) & ~difference
    }

    /// Decodes a text; what was decoded before is forgotten.
    mutating func decode(_ source: UnsafeBufferPointer<UInt8>) {
        bytes.removeAll(keepingCapacity: true)
        marks.removeAll(keepingCapacity: true)
        bytes.reserveCapacity(source.count)
        marks.reserveCapacity(source.count)
        var index = 0
        var isEscaped = false
        var hasSemicolon = false
        var hasAmpersand = false
        while index < source.count {
            var byte = source[index]
            if byte == UInt8(ascii: "%"), let character = Self.character(in: source, at: index) {
                byte = character.byte
                append(byte, index, depth: character.depth)
                index &+= character.length
            } else {
                append(byte, index, depth: 0)
                index &+= 1
            }
            if byte == UInt8(ascii: "\\") || byte >= 0x80 { isEscaped = true }
            if byte == UInt8(ascii: ";") { hasSemicolon = true }
            if byte == UInt8(ascii: "&") { hasAmpersand = true }
        }
        if isEscaped || (hasAmpersand && hasSemicolon) { unescape() }
    }

    @inline(__always)
    private mutating func append(_ byte: UInt8, _ index: Int, depth: Int) {
        bytes.append(byte)
        marks.append(UInt32(truncatingIfNeeded: index) & 0xFF_FFFF | UInt32(truncatingIfNeeded: depth) << 24)
    }

    /// `%3D`, `%253D` and so on.
    private static func character(
        in source: UnsafeBufferPointer<UInt8>, at index: Int
    ) -> (byte: UInt8, length: Int, depth: Int)? {
        var position = index + 1
        var depth = 1
        while depth < mostLevels, position + 3 < source.count, source[position] == UInt8(ascii: "2"),
            source[position + 1] == UInt8(ascii: "5"),
            PercentEncoding.hexValue(source[position + 2]) != nil, PercentEncoding.hexValue(source[position + 3]) != nil
        {
            position += 2
            depth += 1
        }
        guard position + 1 < source.count, let high = PercentEncoding.hexValue(source[position]),
            let low = PercentEncoding.hexValue(source[position + 1])
        else { return nil }
        return (high << 4 | low, position + 2 - index, depth)
    }

    @inline(__always)
    private static func mayEscape(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "&") || byte >= 0x80
    }

    /// The second pass, in place.
    private mutating func unescape() {
        var read = 0
        var write = 0
        while read < bytes.count {
            let byte = bytes[read]
            let mark = marks[read]
            var result = Escape.plain(byte)
            if Self.mayEscape(byte) {
                result = Escape.read(bytes, at: read)
            }
            let deeper = mark &+ (result.isDeeper ? 1 << 24 : 0)
            for offset in 0..<result.count {
                bytes[write] = result.byte(offset)
                marks[write] = deeper
                write += 1
            }
            read += result.length
        }
        bytes.removeSubrange(write...)
        marks.removeSubrange(write...)
    }

    /// Where a byte began in the source; its end for the place behind the last one.
    func origin(of index: Int, sourceCount: Int) -> Int {
        index < marks.count ? Int(marks[index] & 0xFF_FFFF) : sourceCount
    }
}

/// One escape and what it means: at most three bytes.
struct Escape {
    private(set) var bytes: (UInt8, UInt8, UInt8)
    private(set) var count: Int
    /// How many bytes it takes.
    private(set) var length: Int
    /// Whether it counts as encoded once more: an escaped quote does not end what a plain one began.
    private(set) var isDeeper: Bool

    func byte(_ index: Int) -> UInt8 { index == 0 ? bytes.0 : index == 1 ? bytes.1 : bytes.2 }

    static func plain(_ byte: UInt8) -> Escape { one(byte, length: 1) }

    private static func one(_ byte: UInt8, length: Int, isDeeper: Bool = false) -> Escape {
        Escape(bytes: (byte, 0, 0), count: 1, length: length, isDeeper: isDeeper)
    }

    private static func nothing(length: Int) -> Escape {
        Escape(bytes: (0, 0, 0), count: 0, length: length, isDeeper: false)
    }

    /// What begins with a backslash, a `&`, or a byte beyond ASCII.
    static func read(_ text: [UInt8], at index: Int) -> Escape {
        switch text[index] {
        case UInt8(ascii: "\\"): backslash(text, index)
        case UInt8(ascii: "&"): entity(text, index)
        default: wide(text, index)
        }
    }

    private static func backslash(_ text: [UInt8], _ index: Int) -> Escape {
        guard index + 1 < text.count else { return plain(text[index]) }
        switch text[index + 1] {
        case UInt8(ascii: "u"):
            guard let value = hexadecimal(text, index + 2, digits: 4) else { return plain(text[index]) }
            return scalar(value, length: 6)
        case UInt8(ascii: "x"):
            guard let value = hexadecimal(text, index + 2, digits: 2) else { return plain(text[index]) }
            return scalar(value, length: 4)
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return one(text[index + 1], length: 2, isDeeper: true)
        case UInt8(ascii: "/"), UInt8(ascii: "\\"): return one(text[index + 1], length: 2)
        case UInt8(ascii: "n"), UInt8(ascii: "r"): return one(0x0A, length: 2)
        case UInt8(ascii: "t"): return one(0x20, length: 2)
        default: return plain(text[index])
        }
    }

    private static let entities: [(name: [UInt8], byte: UInt8, isDeeper: Bool)] = [
        (Array("&amp;".utf8), UInt8(ascii: "&"), false), (Array("&lt;".utf8), UInt8(ascii: "<"), false),
        (Array("&gt;".utf8), UInt8(ascii: ">"), false), (Array("&quot;".utf8), UInt8(ascii: "\""), true),
        (Array("&apos;".utf8), UInt8(ascii: "'"), true), (Array("&nbsp;".utf8), 0x20, false),
    ]

    private static func entity(_ text: [UInt8], _ index: Int) -> Escape {
        guard index + 3 < text.count else { return plain(text[index]) }
        if text[index + 1] == UInt8(ascii: "#") { return number(text, index) }
        for entity in entities where text.count - index >= entity.name.count {
            if text[index..<index + entity.name.count].elementsEqual(entity.name) {
                return one(entity.byte, length: entity.name.count, isDeeper: entity.isDeeper)
            }
        }
        return plain(text[index])
    }

    /// `&#112;` or `&#x70;`, with eight digits at most.
    private static func number(_ text: [UInt8], _ index: Int) -> Escape {
        let isHexadecimal = text[index + 2] | 0x20 == UInt8(ascii: "x")
        var position = index + (isHexadecimal ? 3 : 2)
        var value: UInt32 = 0
        let start = position
        while position < text.count, position - start < 8 {
            guard let digit = PercentEncoding.hexValue(text[position]), isHexadecimal || digit < 10 else { break }
            value = value &* (isHexadecimal ? 16 : 10) &+ UInt32(digit)
            position += 1
        }
        guard position > start, position < text.count, text[position] == UInt8(ascii: ";") else {
            return plain(text[index])
        }
        return scalar(value, length: position + 1 - index)
    }

    private static func hexadecimal(_ text: [UInt8], _ start: Int, digits: Int) -> UInt32? {
        guard start + digits <= text.count else { return nil }
        var value: UInt32 = 0
        for index in start..<start + digits {
            guard let digit = PercentEncoding.hexValue(text[index]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    private static func wide(_ text: [UInt8], _ index: Int) -> Escape {
        let first = text[index]
        func following(_ offset: Int) -> UInt32? {
            guard index + offset < text.count, text[index + offset] & 0xC0 == 0x80 else { return nil }
            return UInt32(text[index + offset] & 0x3F)
        }
        if first >= 0xC2, first < 0xE0, let low = following(1) {
            return scalar(UInt32(first & 0x1F) << 6 | low, length: 2, isDeeper: false)
        }
        if first >= 0xE0, first < 0xF0, let middle = following(1), let low = following(2) {
            return scalar(UInt32(first & 0x0F) << 12 | middle << 6 | low, length: 3, isDeeper: false)
        }
        return plain(first)
    }

    /// A character by its number: folded to ASCII where it has a counterpart there, else its UTF-8 as far as three bytes.
    private static func scalar(_ value: UInt32, length: Int, isDeeper: Bool = true) -> Escape {
        switch value {
        case 0..<0x80: return one(UInt8(value), length: length, isDeeper: isDeeper)
        // Soft hyphen, zero-width characters, byte-order mark.
        case 0xAD, 0x200B...0x200F, 0x2060, 0xFEFF: return nothing(length: length)
        case 0xA0, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: return one(0x20, length: length, isDeeper: isDeeper)
        case 0x2010...0x2015, 0x2212: return one(UInt8(ascii: "-"), length: length, isDeeper: isDeeper)
        case 0xFF01...0xFF5E: return one(UInt8(value - 0xFEE0), length: length, isDeeper: isDeeper)
        // Capitals of Cyrillic, and of Vietnamese, whose small letters are one further.
        case 0x410...0x42F: return wide(value + 0x20, length: length, isDeeper: isDeeper)
        case 0x1EA0...0x1EF9: return wide(value | 1, length: length, isDeeper: isDeeper)
        case 0xC0...0x17F:
            let base = accents[Int(value - 0xC0)]
            if base != UInt8(ascii: " ") { return one(base, length: length, isDeeper: isDeeper) }
        default: break
        }
        return wide(value, length: length, isDeeper: isDeeper)
    }

    /// A character beyond ASCII, as UTF-8.
    private static func wide(_ value: UInt32, length: Int, isDeeper: Bool) -> Escape {
        if value < 0x800 {
            return Escape(
                bytes: (UInt8(0xC0 | value >> 6), UInt8(0x80 | value & 0x3F), 0), count: 2, length: length,
                isDeeper: isDeeper)
        }
        guard value < 0x10000 else { return one(UInt8(ascii: "?"), length: length, isDeeper: isDeeper) }
        return Escape(
            bytes: (UInt8(0xE0 | value >> 12), UInt8(0x80 | value >> 6 & 0x3F), UInt8(0x80 | value & 0x3F)), count: 3,
            length: length, isDeeper: isDeeper)
    }

    /// The letters without their accents, from U+00C0 to U+017F; a space where there is none.
    private static let accents = Array(
        ("AAAAAAACEEEEIIIIDNOOOOO OUUUUY saaaaaaaceeeeiiiidnooooo ouuuuy y"
            + "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi  JjKk LlLlLl "
            + " LlNnNnNn   OoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs").utf8)
}
