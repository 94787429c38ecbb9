/// The scanner's classification of a byte: three bits for its kind, five for its letter in the automaton's alphabet.
///
/// The automaton has 32 letters, so that a state fits one cache line: bytes that differ in case are one letter, and so
/// are all digits, all separators of names, and each half of the non-ASCII bytes. Where that is too coarse, matches are
/// compared byte by byte.
enum ByteKind {
    static let letter: UInt8 = 0
    /// `-` and `_`: part of names and of keys.
    static let hyphen: UInt8 = 1
    /// Non-ASCII: part of names.
    static let wide: UInt8 = 2
    static let digit: UInt8 = 3
    /// `.`, `[` and `]`: part of names, but not of keys in base64.
    static let nameMark: UInt8 = 4
    /// Structural bytes: quotes, brackets, delimiters.
    static let structure: UInt8 = 5
    /// Everything else, which ends a name.
    static let other: UInt8 = 6

    static let letterCount = 32
    static let separatorLetter: UInt8 = 28

    /// Returns the automaton's letter for a byte; 0 is in no pattern.
    static func letter(of byte: UInt8) -> UInt8 {
        if ASCII.isLetter(byte) { return (byte | 0x20) &- 0x60 }
        if ASCII.isDigit(byte) { return 27 }
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"), UInt8(ascii: "+"), 0x20, 0x09:
            return separatorLetter
        case UInt8(ascii: "/"): return 29
        case 0x80...: return 30 + (byte & 1)
        default: return 0
        }
    }

    static func kind(of byte: UInt8) -> UInt8 {
        if ASCII.isLetter(byte) { return letter }
        if ASCII.isDigit(byte) { return digit }
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"): return hyphen
        case UInt8(ascii: "."), UInt8(ascii: "["), UInt8(ascii: "]"): return nameMark
        case 0x80...: return wide
        case UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "&"),
            UInt8(ascii: "#"), UInt8(ascii: "@"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), 0x20, 0x09,
            UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "+"), UInt8(ascii: ","):
            return structure
        default: return other
        }
    }

    /// Entries below this one only continue a name: letters, hyphens and non-ASCII bytes.
    static let firstEntryBeyondNames = digit << 5
    /// Entries below this one are characters of a host name's label: letters, digits, hyphens and non-ASCII bytes.
    static let firstEntryBeyondLabels = nameMark << 5
    /// The entry of all digits.
    static let digitEntry = entry(for: UInt8(ascii: "0"))

    /// Returns kind and letter in one byte, for the scanner's table.
    static func entry(for byte: UInt8) -> UInt8 { kind(of: byte) << 5 | letter(of: byte) }
}

/// A set of characters that keys consist of. Each has one bit, so that one look-up answers for all.
enum Alphabet: UInt8, Sendable, CaseIterable {
    /// Digits, and `a` to `f` in either case.
    case hex
    /// Hex digits and `-`.
    case hexAndHyphen
    /// Capitals and digits.
    case upperAlphanumeric
    case alphanumeric
    /// Letters, digits, `-` and `_` (RFC 4648, section 5).
    case base64URL
    /// Letters, digits, `+` and `/` (RFC 4648, section 4).
    case base64
    /// ``base64URL`` with `.`, `~` and `=`.
    case dotted
    /// All of the above: token68 (RFC 9110, section 11.2).
    case token

    @inline(__always) var bit: UInt8 { 1 << rawValue }

    func contains(_ byte: UInt8) -> Bool {
        let isLetter = ASCII.isLetter(byte)
        if ASCII.isDigit(byte) { return true }
        switch self {
        case .hex: return ASCII.isHexDigit(byte)
        case .hexAndHyphen: return ASCII.isHexDigit(byte) || byte == UInt8(ascii: "-")
        case .upperAlphanumeric: return ASCII.isCapital(byte)
        case .alphanumeric: return isLetter
        case .base64URL: return isLetter || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        case .base64: return isLetter || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
        case .dotted: return isLetter || "-_.~=".utf8.contains(byte)
        case .token: return isLetter || "-_.~=+/".utf8.contains(byte)
        }
    }
}
