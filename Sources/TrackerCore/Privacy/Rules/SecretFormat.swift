/// The format of one kind of key: a prefix, and a run of characters with a length and a check.
struct SecretFormat: Sendable {
    /// The check of the characters after the prefix, which spares words that begin with the same prefix.
    enum Check: Sendable {
        /// Only alphabet and length.
        case none
        /// Has a digit, or looks random.
        case hasDigit
        /// Looks random: cases and digits alternate more often than in words.
        case random
        /// The last six characters are the CRC-32 of the thirty before, in base 62; or the characters look random, for
        /// tokens that were made up.
        case crc32
    }

    /// The issuer and kind of the key.
    let name: String
    /// What the key begins with, or contains after ``lead`` characters. Case-sensitive.
    let prefix: String
    /// The characters that may follow the prefix.
    let alphabet: Alphabet
    /// The number of characters that follow.
    let length: ClosedRange<Int>
    let check: Check
    /// The number of characters of the alphabet before the prefix.
    let lead: Int
    /// Where the format is documented.
    let source: String
    /// The rest of an example, after the prefix.
    let match: String
    /// A whole text that begins like a key but is not one.
    let lookAlike: String

    init(
        _ name: String, _ prefix: String, _ alphabet: Alphabet, _ least: Int, upTo most: Int = .max,
        _ check: Check = .random, lead: Int = 0, source: String, match: String, lookAlike: String
    ) {
        self.name = name
        self.prefix = prefix
        self.alphabet = alphabet
        length = least...max(least, most)
        self.check = check
        self.lead = lead
        self.source = source
        self.match = match
        self.lookAlike = lookAlike
    }

    /// All formats, by family.
    static let families: [(name: String, formats: [SecretFormat])] = [
        ("code hosts and package registries", codeHostsAndPackageRegistries), ("clouds", clouds),
        ("messengers, mail and telephony", messengersMailAndTelephony), ("payments and shops", paymentsAndShops),
        ("machine learning", machineLearning), ("monitoring and work", monitoringAndWork),
        ("social networks", socialNetworks), ("keys in files", keysInFiles),
    ]

    static let all = families.flatMap(\.formats)
}

/// The part of a format that the scanner needs, without references.
struct KeyRule: Sendable {
    let alphabet: Alphabet
    /// The alphabet's bit.
    let bit: UInt8
    let least: Int
    let most: Int
    let check: SecretFormat.Check
    let lead: Int

    init(_ format: SecretFormat) {
        alphabet = format.alphabet
        bit = format.alphabet.bit
        least = format.length.lowerBound
        most = format.length.upperBound
        check = format.check
        lead = format.lead
    }
}

/// A set of characters that keys consist of. Each has one bit, so that one lookup covers all sets.
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
