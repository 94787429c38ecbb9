/// A set of characters that keys are made of. Each has one bit, so that one look at a byte answers for all.
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
    /// What ``base64URL`` has, with `.`, `~` and `=`.
    case dotted
    /// What the others have, together: token68 (RFC 9110, section 11.2).
    case token

    var bit: UInt8 { 1 << rawValue }

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
