/// A run of characters of one alphabet, with the features that distinguish random characters from words.
///
/// Cached, so that each byte is read once per alphabet, however many prefixes the run contains.
struct TokenRun {
    var start = 0
    var end = 0
    /// The last three positions where a letter follows a digit, a digit a letter, or a capital a lowercase letter, the
    /// earliest first; -1: none.
    private var changes = (-1, -1, -1)
    /// -1: none.
    private(set) var lastDigit = -1
    private(set) var lastCapital = -1

    /// Returns whether the run looks random after a position: at least three such changes follow it. Twenty random
    /// characters usually have nine, words and slugs none or one.
    func isRandom(from start: Int) -> Bool { changes.0 > start }

    mutating func read(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int, _ alphabets: UnsafePointer<UInt8>, _ bit: UInt8
    ) {
        self = TokenRun()
        self.start = start
        var position = start
        var last: UInt8 = 0
        while position < text.count, case let byte = text[position], alphabets[Int(byte)] & bit != 0 {
            if ASCII.isDigit(byte) {
                lastDigit = position
                if ASCII.isLetter(last) { change(at: position) }
            } else if ASCII.isCapital(byte) {
                lastCapital = position
                if ASCII.isLetterOrDigit(last), !ASCII.isCapital(last) { change(at: position) }
            } else if ASCII.isDigit(last), ASCII.isLetter(byte) {
                change(at: position)
            }
            last = byte
            position &+= 1
        }
        end = position
    }

    private mutating func change(at position: Int) { changes = (changes.1, changes.2, position) }
}

/// The buffers of a ``ScanPass``.
struct ScanScratch {
    var found: [Range<Int>] = []
    /// The last run read of each alphabet.
    var runs: [TokenRun] = []
    /// The groups of digits that may form one card number.
    var groups: [DigitGroup] = []
    /// The text decoded from base64 or hex: the first ``plainCount`` bytes.
    var plain: [UInt8] = []
    var plainCount = 0
    /// The pass that scans that text; none or one.
    var inner: [ScanPass] = []

    /// Makes room for the decoded form of a text of `count` bytes.
    mutating func makeRoomForPlain(_ count: Int) {
        if plain.count < count { plain.append(contentsOf: repeatElement(0, count: count - plain.count)) }
    }

    mutating func reset() {
        // Most are empty already, and emptying them is not free.
        if !found.isEmpty { found.removeAll(keepingCapacity: true) }
        if !runs.isEmpty { runs.removeAll(keepingCapacity: true) }
        if !groups.isEmpty { groups.removeAll(keepingCapacity: true) }
    }
}

extension ScanPass {
    /// Returns the run of an alphabet's characters that includes a position; empty if there is none.
    mutating func run(of alphabet: Alphabet, at position: Int) -> TokenRun {
        scratch.runs[readRun(of: alphabet, at: position)]
    }

    /// Like ``run(of:at:)``, but returns the run's index: most callers need only its end.
    @inline(__always)
    mutating func readRun(of alphabet: Alphabet, at position: Int) -> Int {
        let index = Int(alphabet.rawValue)
        if index < scratch.runs.count, scratch.runs[index].start <= position, position < scratch.runs[index].end {
            return index
        }
        readNewRun(of: alphabet, at: position)
        return index
    }

    @inline(never)
    private mutating func readNewRun(of alphabet: Alphabet, at position: Int) {
        if scratch.runs.isEmpty { scratch.runs.append(contentsOf: repeatElement(TokenRun(), count: 8)) }
        let index = Int(alphabet.rawValue)
        scratch.runs[index].read(text, from: position, automaton.alphabets, alphabet.bit)
        steps &+= scratch.runs[index].end - position
    }
}

/// Heuristics that tell random text from words.
enum Randomness {
    /// Returns whether a segment or value looks like a token, a hex identifier or a UUID, and not like a word, a slug,
    /// a date or a number. Reads at most 256 bytes.
    static func isToken(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let text = UnsafeBufferPointer(rebasing: text.prefix(256))
        guard text.count >= 6 else { return false }
        let pieces = Pieces(text)
        // Most texts are short, and for a short one the changes are usually enough.
        if text.count < 16 {
            if pieces.changes < 2 || pieces.longest < 6 { return false }
            if !text.contains(UInt8(ascii: ".")) { return pieces.changes >= 3 || pieces.words < 2 }
        }
        let letters = Letters(text)
        // A file name, or a decimal number.
        if letters.endLikeFile, pieces.longest < 16 { return false }
        if text.count >= 16, letters.areHexadecimal { return true }
        if pieces.longest >= 6, pieces.changes >= 3 { return true }
        // "iphone15pro" changes as often as a short token, but between words.
        if pieces.longest >= 6, pieces.changes >= 2, pieces.words < 2, text.count < 24 { return true }
        return text.count >= 16 && pieces.longest >= 8 && letters.rarePairs * 4 >= letters.pairs
    }

    /// Returns whether a value is a number of six to nine digits, as one-time codes are.
    static func isNumericCode(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.count >= 6 && text.count <= 9 && text.allSatisfy(ASCII.isDigit)
    }

    /// Returns whether a value looks like the code, state or ticket of a login, for a name that alone does not tell.
    static func isLoginCode(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let text = UnsafeBufferPointer(rebasing: text.prefix(256))
        guard text.count >= 8 else { return false }
        let pieces = Pieces(text)
        if pieces.changes < 3, !text.allSatisfy(isHexadecimal) { return false }
        let letters = Letters(text)
        if letters.endLikeFile, pieces.longest < 16 { return false }
        if text.count >= 16, letters.areHexadecimal { return true }
        return pieces.longest >= 8 && pieces.changes >= 3
    }

    /// A hex digit, or a hyphen between groups of them.
    private static func isHexadecimal(_ byte: UInt8) -> Bool { ASCII.isHexDigit(byte) || byte == UInt8(ascii: "-") }

    /// The runs of letters and digits in a text. They are enough to classify most texts.
    private struct Pieces {
        /// The length of the longest.
        private(set) var longest = 0
        /// Changes from letter to digit and back, and from a lowercase letter to a capital, within them.
        private(set) var changes = 0
        /// Runs of three or more letters.
        private(set) var words = 0

        init(_ text: UnsafeBufferPointer<UInt8>) {
            var piece = 0
            var run = 0
            var last = 0
            for byte in text {
                let kind = ASCII.isDigit(byte) ? 3 : ASCII.isCapital(byte) ? 2 : ASCII.isLetter(byte) ? 1 : 0
                piece = kind == 0 ? 0 : piece &+ 1
                longest = max(longest, piece)
                run = kind == 1 || kind == 2 ? run &+ 1 : 0
                if run == 3 { words &+= 1 }
                if piece > 1, kind > last || last == 3 && kind < 3 { changes &+= 1 }
                last = kind
            }
        }
    }

    /// Features of a text's letters, and of its end.
    private struct Letters {
        /// Pairs of adjacent letters, and how many of them are rare in words.
        private(set) var pairs = 0
        private(set) var rarePairs = 0
        /// Whether the text consists of hex digits and hyphens, with both letters and digits.
        private(set) var areHexadecimal: Bool
        /// Whether the text ends in a dot and one to five letters or digits: "mp4", "woff2".
        private(set) var endLikeFile: Bool

        init(_ text: UnsafeBufferPointer<UInt8>) {
            var digits = 0
            var letters = 0
            var hexadecimal = 0
            // The last dot, if letters and digits alone follow it.
            var dot: Int?
            var last: UInt8 = 0
            for (position, byte) in text.enumerated() {
                if Randomness.isHexadecimal(byte) { hexadecimal &+= 1 }
                if ASCII.isLetter(byte) {
                    letters &+= 1
                    if ASCII.isLetter(last) {
                        pairs &+= 1
                        if LetterPairs.isRare(last, byte) { rarePairs &+= 1 }
                    }
                } else if ASCII.isDigit(byte) {
                    digits &+= 1
                } else {
                    dot = byte == UInt8(ascii: ".") ? position : nil
                }
                last = byte
            }
            areHexadecimal = hexadecimal == text.count && digits > 0 && letters > 0
            let ending = dot.map { text.count - 1 - $0 } ?? 0
            endLikeFile = ending >= 1 && ending <= 5
        }
    }
}

/// Letter pairs that are rare in words: each occurs fewer than five times in ten thousand, counted over 12,000 words of
/// English documentation. More than half of random pairs are rare.
enum LetterPairs {
    /// One row per first letter, with one bit per second letter.
    private static let rare: [UInt32] = [
        0x241_4290, 0x2E9_B4EE, 0x3E1_8242, 0x3E1_B6C0, 0x210_0680, 0x3E1_B6CE, 0x3E9_966E, 0x3F5_B6EE, 0x151_0780,
        0x3FF_FFFE, 0x3FB_FEEF, 0x2E3_36C2, 0x3EB_26EC, 0x3C3_9282, 0x381_0290, 0x2E1_366E, 0x3EF_F7FF, 0x2C1_0280,
        0x2E2_024A, 0x2E1_2642, 0x3F1_0688, 0x3FF_BEEE, 0x3F9_9E6E, 0x3F7_6EEB, 0x3F3_77EF, 0x3FF_FFEF,
    ]

    /// Returns whether a pair of letters is rare, in either case.
    static func isRare(_ first: UInt8, _ second: UInt8) -> Bool {
        let row = Int((first | 0x20) &- 0x61)
        guard row < 26 else { return false }
        return rare[row] >> UInt32(((second | 0x20) &- 0x61) & 31) & 1 != 0
    }
}
