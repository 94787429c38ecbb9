/// Builds the tables of ``RuleAutomaton``.
struct AutomatonBuilder {
    struct Compiled {
        var next: [UInt16] = []
        var firstReporting = 0
        var reports: [Range<Int>] = []
        var patterns: [RuleAutomaton.Pattern] = []
    }

    /// The trie: the child by state and letter; 0: none.
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
            // Harmless names revoke what others said, so they come last.
            compiled.patterns += found.filter { !Self.isHarmless($0) } + found.filter(Self.isHarmless)
            compiled.reports.append(compiled.patterns.count - found.count..<compiled.patterns.count)
        }
        return compiled
    }

    private static func isHarmless(_ pattern: RuleAutomaton.Pattern) -> Bool {
        if case .name(.harmless, _) = pattern.rule { true } else { false }
    }
}
