/// The format of one kind of key: a prefix, and a run of characters with a length and a check.
struct SecretFormat: Sendable {
    /// How the characters after the prefix are checked, so that words which begin alike stay whole.
    enum Check: Sendable {
        /// By the alphabet and the length alone.
        case none
        /// There is a digit among them, or they look random.
        case hasDigit
        /// Letters of both cases and digits change places as often as chance makes them, not as in words.
        case random
        /// The last six characters are the CRC-32 of the thirty before, in base 62; or the characters look random, for
        /// tokens that were made up.
        case crc32
    }

    /// Whose key it is.
    let name: String
    /// What the key begins with, or has after ``lead`` characters. Case matters.
    let prefix: String
    /// What may follow the prefix.
    let alphabet: Alphabet
    /// How many characters of the alphabet follow.
    let length: ClosedRange<Int>
    let check: Check
    /// How many characters of the alphabet stand before the prefix.
    let lead: Int
    /// Where the format is written down.
    let source: String
    /// What follows the prefix in an example.
    let match: String
    /// A whole text that begins alike and is no key.
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

/// What the scanner needs of a format, without references.
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
