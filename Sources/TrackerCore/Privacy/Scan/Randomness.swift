/// Heuristics that tell random text from words.
enum Randomness {
    /// Returns whether a segment or value looks like a token, a hex identifier or a UUID, and not like a word, a slug,
    /// a date or a number. Reads at most 256 bytes.
    static func isToken(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let text = UnsafeBufferPointer(rebasing: text.prefix(256))
        guard text.count >= 6 else { return false }
        // Most are short, and a short one is told by its changes.
        if text.count < 16 {
            let pieces = Pieces(text)
            if pieces.changes < 2 || pieces.longest < 6 { return false }
            if !text.contains(UInt8(ascii: ".")) { return pieces.changes >= 3 || pieces.words < 2 }
        }
        var shape = Shape()
        for byte in text { shape.read(byte) }
        shape.end()
        // A file name, or a decimal number.
        if shape.looksLikeFile { return false }
        if text.count >= 16, shape.isHexadecimal, shape.digits > 0, shape.letters > 0 { return true }
        if shape.longestPiece >= 6, shape.changes >= 3 { return true }
        // "iphone15pro" changes as often as a short token, but between words.
        if shape.longestPiece >= 6, shape.changes >= 2, shape.words < 2, text.count < 24 { return true }
        return text.count >= 16 && shape.longestPiece >= 8 && shape.rarePairs * 4 >= shape.pairs
    }

    /// Returns whether a value is a number of six to nine digits, as one-time codes are.
    static func isNumericCode(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.count >= 6 && text.count <= 9 && text.allSatisfy(ASCII.isDigit)
    }

    /// Returns whether a value looks like the code, state or ticket of a login, where only the value can tell.
    static func isLoginCode(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let text = UnsafeBufferPointer(rebasing: text.prefix(256))
        guard text.count >= 8 else { return false }
        if Pieces(text).changes < 3, !text.allSatisfy(isHexadecimal) { return false }
        var shape = Shape()
        for byte in text { shape.read(byte) }
        shape.end()
        if shape.looksLikeFile { return false }
        if text.count >= 16, shape.isHexadecimal, shape.digits > 0, shape.letters > 0 { return true }
        return shape.longestPiece >= 8 && shape.changes >= 3
    }

    /// A hex digit, or the hyphen between their groups.
    private static func isHexadecimal(_ byte: UInt8) -> Bool { ASCII.isHexDigit(byte) || byte == UInt8(ascii: "-") }

    /// Those features of ``Shape`` that most texts are told by.
    private struct Pieces {
        private(set) var longest = 0
        private(set) var changes = 0
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
                // A letter and a digit, or a small letter and a capital.
                if piece > 1, kind > last || last == 3 && kind < 3 { changes &+= 1 }
                last = kind
            }
        }
    }

    /// The features of a text.
    private struct Shape {
        var digits = 0
        var letters = 0
        var isHexadecimal = true
        /// The longest run of letters and digits.
        var longestPiece = 0
        /// Changes from letter to digit and back, and from a small letter to a capital, within such runs.
        var changes = 0
        /// Pairs of adjacent letters, and how many of them are rare in words.
        var pairs = 0
        var rarePairs = 0
        /// Runs of three or more letters.
        var words = 0
        private var run = 0
        private var piece = 0
        private var last: UInt8 = 0
        /// The number of letters and digits after the last dot.
        private var extensionLength = 0
        private var hasPoint = false
        private var isExtension = false

        mutating func read(_ byte: UInt8) {
            if ASCII.isDigit(byte) {
                digits += 1
                run = 0
                if piece > 0, ASCII.isLetter(last) { changes += 1 }
                piece += 1
                extensionLength += 1
                // "mp4", "woff2"
                if extensionLength > 5 { isExtension = false }
            } else if ASCII.isLetter(byte) {
                letters += 1
                run += 1
                if run == 3 { words += 1 }
                if byte | 0x20 > UInt8(ascii: "f") { isHexadecimal = false }
                if piece > 0 {
                    if ASCII.isDigit(last) {
                        changes += 1
                    } else {
                        pairs += 1
                        if LetterPairs.isRare(last, byte) { rarePairs += 1 }
                        if ASCII.isCapital(byte), !ASCII.isCapital(last) { changes += 1 }
                    }
                }
                piece += 1
                extensionLength += 1
                if extensionLength > 5 { isExtension = false }
            } else {
                if byte != UInt8(ascii: "-") { isHexadecimal = false }
                endPiece()
                if byte == UInt8(ascii: ".") {
                    hasPoint = true
                    isExtension = true
                    extensionLength = 0
                } else {
                    isExtension = false
                }
            }
            last = byte
        }

        mutating func end() { endPiece() }

        /// Whether the text ends like a file name.
        var looksLikeFile: Bool { hasPoint && isExtension && extensionLength >= 1 && longestPiece < 16 }

        private mutating func endPiece() {
            longestPiece = max(longestPiece, piece)
            piece = 0
            run = 0
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
