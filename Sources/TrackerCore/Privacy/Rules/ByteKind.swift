/// What a byte is to the scanner: three bits say how it is treated, five are its letter in the automaton's alphabet.
///
/// The automaton has 32 letters, so that a state is one line of the processor's cache: bytes that differ in case are one
/// letter, and so are all digits, all separators of names, and each half of the bytes beyond ASCII. Where that is too
/// coarse, what was found is compared byte by byte.
enum ByteKind {
    /// Letters.
    static let letter: UInt8 = 0
    static let digit: UInt8 = 1
    /// `-` and `_`: parts of names and of keys.
    static let hyphen: UInt8 = 2
    /// `.`, `[` and `]`: parts of names, but not of keys in base64.
    static let nameMark: UInt8 = 3
    /// Beyond ASCII: parts of names.
    static let wide: UInt8 = 4
    /// What shapes a text: quotes, brackets, delimiters.
    static let structure: UInt8 = 5
    /// Everything else, which ends a name.
    static let other: UInt8 = 6

    static let letterCount = 32
    static let separatorLetter: UInt8 = 28

    /// The automaton's letter for a byte; 0 stands in no pattern.
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

    /// Both in one byte, for the scanner's table.
    static func entry(for byte: UInt8) -> UInt8 { kind(of: byte) << 5 | letter(of: byte) }
}
