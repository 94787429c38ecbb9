/// An escape sequence, and the bytes that it stands for: at most three.
struct Escape {
    private(set) var bytes: (UInt8, UInt8, UInt8)
    private(set) var count: Int
    /// The length of the escape in the text.
    private(set) var length: Int
    /// Whether it counts as one more level of encoding: an escaped quote does not end what an unescaped one began.
    private(set) var isDeeper: Bool

    func byte(_ index: Int) -> UInt8 { index == 0 ? bytes.0 : index == 1 ? bytes.1 : bytes.2 }

    static func plain(_ byte: UInt8) -> Escape { one(byte, length: 1) }

    private static func one(_ byte: UInt8, length: Int, isDeeper: Bool = false) -> Escape {
        Escape(bytes: (byte, 0, 0), count: 1, length: length, isDeeper: isDeeper)
    }

    private static func nothing(length: Int) -> Escape {
        Escape(bytes: (0, 0, 0), count: 0, length: length, isDeeper: false)
    }

    /// Reads an escape that begins with a backslash, a `&` or a non-ASCII byte.
    static func read(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Escape {
        switch text[index] {
        case UInt8(ascii: "\\"): backslash(text, index)
        case UInt8(ascii: "&"): entity(text, index)
        default: wide(text, index)
        }
    }

    private static func backslash(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Escape {
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

    private static func entity(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Escape {
        guard index + 3 < text.count else { return plain(text[index]) }
        if text[index + 1] == UInt8(ascii: "#") { return number(text, index) }
        for entity in entities where text.count - index >= entity.name.count {
            if text[index..<index + entity.name.count].elementsEqual(entity.name) {
                return one(entity.byte, length: entity.name.count, isDeeper: entity.isDeeper)
            }
        }
        return plain(text[index])
    }

    /// Reads `&#112;` or `&#x70;`, with at most eight digits.
    private static func number(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Escape {
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

    private static func hexadecimal(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, digits: Int) -> UInt32? {
        guard start + digits <= text.count else { return nil }
        var value: UInt32 = 0
        for index in start..<start + digits {
            guard let digit = PercentEncoding.hexValue(text[index]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    private static func wide(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Escape {
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

    /// Returns the character of a code point: as ASCII if it folds to ASCII, otherwise as UTF-8 of up to three bytes or
    /// as `?`.
    private static func scalar(_ value: UInt32, length: Int, isDeeper: Bool = true) -> Escape {
        switch value {
        case 0..<0x80: return one(UInt8(value), length: length, isDeeper: isDeeper)
        case 0xC0...0x17F:
            let base = accents[Int(value - 0xC0)]
            if base != UInt8(ascii: " ") { return one(base, length: length, isDeeper: isDeeper) }
        // Soft hyphen, zero-width characters, byte-order mark.
        case 0xAD, 0x200B...0x200F, 0x2060, 0xFEFF: return nothing(length: length)
        case 0xA0, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: return one(0x20, length: length, isDeeper: isDeeper)
        case 0x2010...0x2015, 0x2212: return one(UInt8(ascii: "-"), length: length, isDeeper: isDeeper)
        case 0xFF01...0xFF5E: return one(UInt8(value - 0xFEE0), length: length, isDeeper: isDeeper)
        // Cyrillic and Vietnamese capitals become lowercase.
        case 0x410...0x42F: return wide(value + 0x20, length: length, isDeeper: isDeeper)
        case 0x1EA0...0x1EF9: return wide(value | 1, length: length, isDeeper: isDeeper)
        default: break
        }
        return wide(value, length: length, isDeeper: isDeeper)
    }

    /// Returns a non-ASCII character as UTF-8.
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

    /// The letters from U+00C0 to U+017F without their accents; a space for those that have no base letter.
    private static let accents = Array(
        ("AAAAAAACEEEEIIIIDNOOOOO OUUUUY saaaaaaaceeeeiiiidnooooo ouuuuy y"
            + "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi  JjKk LlLlLl "
            + " LlNnNnNn   OoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs").utf8)
}
