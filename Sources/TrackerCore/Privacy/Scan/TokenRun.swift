/// A run of characters of one alphabet, with what distinguishes random characters from words.
///
/// Cached, so that each byte is read once per alphabet, however many prefixes the run contains.
struct TokenRun {
    var start = 0
    var end = 0
    /// The last three positions where a letter follows a digit, a digit a letter, or a capital a small letter, the
    /// earliest first; -1: none.
    private var changes = (-1, -1, -1)
    /// -1: none.
    private(set) var lastDigit = -1
    private(set) var lastCapital = -1

    /// Returns whether the run looks random after a position: it has at least three such changes. Twenty random
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
    /// Scans that text; none or one.
    var inner: [ScanPass] = []

    /// Makes room for what a text of `count` bytes may hide.
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

    /// As ``run(of:at:)``, but returns the run's index: most callers need only its end.
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
