/// Builds the tables of ``RuleAutomaton``.
struct AutomatonBuilder {
    struct Compiled {
        var next: [UInt16] = []
        var firstReporting = 0
        var reports: [Range<Int>] = []
        var patterns: [RuleAutomaton.Pattern] = []
    }

    /// The trie: each state's child for each letter; 0 if there is none.
    private var children = [UInt16](repeating: 0, count: ByteKind.letterCount)
    /// The patterns that end in each state.
    private var ends: [[Int]] = [[]]
    private var patterns: [RuleAutomaton.Pattern] = []

    /// Adds words with any separator, or none, between them.
    mutating func add(words: String, _ rule: RuleAutomaton.Pattern.Rule) {
        let endsInSpace = words.utf8.last == 0x20
        let parts = words.utf8.split(separator: 0x20).map(Array.init)
        guard !parts.isEmpty else { return }
        // The automaton matches letters and separators exactly, but not digits and non-ASCII bytes.
        let isExact = words.utf8.contains { $0 >= 0x80 || ASCII.isDigit($0) }
        var forms = [Array(parts.joined(separator: [0x20])) + (endsInSpace ? [0x20] : [])]
        if parts.count > 1 { forms.append(Array(parts.joined())) }
        for form in forms {
            add(RuleAutomaton.Pattern(rule: rule, text: form, isExact: isExact, isCased: false))
        }
    }

    mutating func add(_ pattern: RuleAutomaton.Pattern) {
        // States are numbered in 16 bits; the built-in rules take a tenth of them.
        guard ends.count + pattern.text.count < Int(UInt16.max), !pattern.text.isEmpty,
            pattern.text.allSatisfy({ ByteKind.letter(of: $0) != 0 })
        else { return }
        var state = 0
        for byte in pattern.text {
            let place = state * ByteKind.letterCount + Int(ByteKind.letter(of: byte))
            if children[place] == 0 {
                children[place] = UInt16(ends.count)
                ends.append([])
                children += repeatElement(0, count: ByteKind.letterCount)
            }
            state = Int(children[place])
        }
        ends[state].append(patterns.count)
        patterns.append(pattern)
    }

    /// Returns the automaton's tables, with the reporting states last.
    func compiled() -> Compiled {
        let letters = ByteKind.letterCount
        var next = children
        var ends = ends
        var fallback = [Int](repeating: 0, count: ends.count)
        var queue = [0]
        queue.reserveCapacity(ends.count)
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            ends[state] += state == 0 ? [] : ends[fallback[state]]
            for letter in 0..<letters {
                let place = state * letters + letter
                let onward = state == 0 ? 0 : Int(next[fallback[state] * letters + letter])
                if children[place] == 0 {
                    next[place] = UInt16(onward)
                } else {
                    fallback[Int(children[place])] = onward
                    queue.append(Int(children[place]))
                }
            }
        }
        return renumbered(next, ends)
    }

    private func renumbered(_ next: [UInt16], _ ends: [[Int]]) -> Compiled {
        let silent = ends.indices.filter { ends[$0].isEmpty }
        let reporting = ends.indices.filter { !ends[$0].isEmpty }
        var numbers = [UInt16](repeating: 0, count: ends.count)
        for (number, state) in (silent + reporting).enumerated() { numbers[state] = UInt16(number) }
        var compiled = Compiled()
        compiled.firstReporting = silent.count
        compiled.next.reserveCapacity(next.count)
        for state in silent + reporting {
            let row = state * ByteKind.letterCount
            for letter in 0..<ByteKind.letterCount { compiled.next.append(numbers[Int(next[row + letter])]) }
            let found = ends[state].map { patterns[$0] }
            // Harmless names override earlier reports, so they come last.
            compiled.patterns += found.filter { !Self.isHarmless($0) } + found.filter(Self.isHarmless)
            compiled.reports.append(compiled.patterns.count - found.count..<compiled.patterns.count)
        }
        return compiled
    }

    private static func isHarmless(_ pattern: RuleAutomaton.Pattern) -> Bool {
        if case .name(.harmless, _) = pattern.rule { true } else { false }
    }
}

/// The scanner's classification of a byte: three bits for its kind, five for its letter in the automaton's alphabet.
///
/// The automaton has 32 letters, so that a state fits one cache line: bytes that differ in case are one letter, and so
/// are all digits, all separators of names, the even non-ASCII bytes, and the odd ones. Where that is too coarse,
/// matches are compared byte by byte.
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
