/// Words that say of a name what its value is.
struct SensitiveName: Sendable {
    /// Where in a name the words count. Words are compared without regard to case, to separators (`-`, `_`, `.`, a
    /// space) and to accents; a plural's `s` and digits may follow them.
    enum Place: UInt8, Sendable {
        /// As a part of the name, which ends at anything but a letter or digit, and where a capital follows a small
        /// letter: `key` in `api_key`, `apiKey` and `API-KEY`, and not in `monkey`.
        case part
        /// As a part, or as the end of one: `token` in `wstoken`.
        case ending
        /// Wherever it stands: `password` in `oldpasswordhash`.
        case anywhere
        /// As the whole name.
        case whole
    }

    /// What a name with the words says.
    enum Meaning: UInt8, Sendable, Comparable {
        /// Nothing.
        case harmless
        /// The value is a secret if it looks random, or if the URL looks like the way back from a login.
        case conditional
        /// The value is a telephone number if it looks like one.
        case phone
        /// The value is a secret.
        case secret
        /// All that follows on the line is secret: cookies.
        case secretLine

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    let family: String
    let meaning: Meaning
    let place: Place
    /// Where such lists are found.
    let source: String
    let words: [String]
}
