/// An Aho-Corasick automaton (1975) that finds all sensitive names and key formats, in one step per byte.
///
/// The tables are read through pointers, because an array costs a bounds check and a reference count at each step. That
/// is safe because they are written only in `init`, freed only in `deinit`, and read at indices that the tables
/// themselves bound: a state below the number of states, times 32, plus a letter below 32; and a byte in a table of
/// 256. For the same reason threads may share an instance.
final class RuleAutomaton: @unchecked Sendable {
    /// A pattern that a state reports.
    struct Pattern {
        enum Rule {
            /// The index of the key's format.
            case key(UInt16)
            case name(SensitiveName.Meaning, SensitiveName.Place)
            case path(isNumeric: Bool)
            case callback
            /// The name of an authentication scheme and a space (RFC 9110, section 11.1).
            case bearer
            case basic
            /// The three letters that JSON web tokens begin with (RFC 7519).
            case webToken
            /// The beginning of the line before a private key (RFC 7468).
            case privateKey
        }

        let rule: Rule
        /// As written in the rule; compared byte by byte if `isExact`.
        let text: [UInt8]
        /// Whether bytes have to be compared, because the automaton's letters are too coarse for this pattern.
        let isExact: Bool
        /// Whether the comparison is case-sensitive.
        let isCased: Bool

        var isKey: Bool { if case .key = rule { true } else { false } }
    }

    /// A pattern without references, so that reading it at each report is cheap.
    struct Finding {
        let rule: Pattern.Rule
        let length: Int
        private let text: UnsafePointer<UInt8>
        private let isExact: Bool
        private let isCased: Bool

        fileprivate init(_ pattern: Pattern, _ text: UnsafePointer<UInt8>) {
            rule = pattern.rule
            length = pattern.text.count
            isExact = pattern.isExact
            isCased = pattern.isCased
            self.text = text
        }

        /// Returns whether the pattern matches, byte by byte where the automaton's letters are too coarse.
        ///
        /// - Parameter start: a position with at least ``length`` bytes after it.
        @inline(__always)
        func isMatch(at start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
            guard isExact else { return true }
            for offset in 0..<length {
                let (wanted, byte) = (text[offset], bytes[start &+ offset])
                if wanted != byte, isCased || !Self.isAlike(wanted, byte) { return false }
            }
            return true
        }

        /// Letters and separators match others of the same automaton letter; digits and non-ASCII bytes match only
        /// themselves.
        @inline(never)
        private static func isAlike(_ wanted: UInt8, _ byte: UInt8) -> Bool {
            wanted < 0x80 && !ASCII.isDigit(wanted) && ByteKind.letter(of: wanted) == ByteKind.letter(of: byte)
        }
    }

    /// The automaton without additional terms, built on first use.
    ///
    /// Guarded by a lock that a fork waits for, instead of a lazy constant: a child forked while another thread
    /// initializes such a constant would wait for it forever.
    private static let standard = ThreadLock<RuleAutomaton?>(nil, survivesFork: true)

    /// - Parameter terms: additional words for names of secrets.
    static func with(_ terms: Set<String> = []) -> RuleAutomaton {
        standard.withLock { standard in
            guard terms.isEmpty else { return RuleAutomaton(adding: terms) }
            if let standard { return standard }
            let made = RuleAutomaton(adding: [])
            standard = made
            return made
        }
    }

    /// The next state, by state and letter.
    let next: UnsafePointer<UInt16>
    /// The ``ByteKind`` entry of each byte.
    let kinds: UnsafePointer<UInt8>
    /// The ``Alphabet`` bits of each byte.
    let alphabets: UnsafePointer<UInt8>
    /// The ``Base64Decoder`` value of each byte.
    let base64: UnsafePointer<UInt8>
    /// States from this one on report something.
    let firstReporting: UInt16
    private let keys: UnsafeMutablePointer<KeyRule>
    private let keyCount: Int
    /// The patterns that end in each reporting state, those of harmless names last.
    private let findings: UnsafeMutablePointer<Finding>
    private let findingCount: Int
    /// The index of each state's first finding; one entry more than there are states.
    private let firstFindings: UnsafeMutablePointer<Int32>
    /// Whether a state reports one key and nothing else, as most do.
    private let reportsOneKey: UnsafeMutablePointer<Bool>
    /// The bytes of all patterns.
    private let patternBytes: UnsafeMutablePointer<UInt8>
    let stateCount: Int

    /// - Parameter terms: additional words for names of secrets.
    init(adding terms: Set<String>) {
        var builder = AutomatonBuilder()
        let formats = SecretFormat.all
        keyCount = formats.count
        keys = .allocate(capacity: keyCount)
        for (index, format) in formats.enumerated() {
            (keys + index).initialize(to: KeyRule(format))
            builder.add(
                Pattern(rule: .key(UInt16(index)), text: Array(format.prefix.utf8), isExact: true, isCased: true))
        }
        for name in SensitiveName.all {
            for word in name.words { builder.add(words: word, .name(name.meaning, name.place)) }
        }
        for term in terms.sorted() { builder.add(words: Self.words(ofTerm: term), .name(.secret, .part)) }
        for word in SensitivePath.words { builder.add(words: word, .path(isNumeric: false)) }
        for word in SensitivePath.numericWords { builder.add(words: word, .path(isNumeric: true)) }
        for word in SensitivePath.callbacks { builder.add(words: word, .callback) }
        builder.add(words: "bearer ", .bearer)
        builder.add(words: "basic ", .basic)
        builder.add(Pattern(rule: .webToken, text: Array("eyJ".utf8), isExact: true, isCased: true))
        builder.add(Pattern(rule: .privateKey, text: Array("-----BEGIN".utf8), isExact: true, isCased: true))
        let compiled = builder.compiled()
        stateCount = compiled.reports.count
        firstReporting = UInt16(compiled.firstReporting)
        findingCount = compiled.patterns.count
        findings = .allocate(capacity: findingCount)
        firstFindings = .allocate(capacity: stateCount + 1)
        reportsOneKey = .allocate(capacity: stateCount)
        patternBytes = .allocate(capacity: compiled.patterns.reduce(0) { $0 + $1.text.count })
        var written = 0
        for (index, pattern) in compiled.patterns.enumerated() {
            let text = patternBytes + written
            for byte in pattern.text {
                patternBytes[written] = byte
                written += 1
            }
            (findings + index).initialize(to: Finding(pattern, text))
        }
        for (state, report) in compiled.reports.enumerated() {
            firstFindings[state] = Int32(report.lowerBound)
            reportsOneKey[state] = report.count == 1 && compiled.patterns[report.lowerBound].isKey
        }
        firstFindings[stateCount] = Int32(findingCount)

        let table = UnsafeMutablePointer<UInt16>.allocate(capacity: compiled.next.count)
        for (index, state) in compiled.next.enumerated() { table[index] = state }
        next = UnsafePointer(table)
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        let bits = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        let values = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        for byte in UInt8.min ... .max {
            bytes[Int(byte)] = ByteKind.entry(for: byte)
            values[Int(byte)] = Base64Decoder.value(of: byte)
            bits[Int(byte)] = Alphabet.allCases.reduce(0) { $1.contains(byte) ? $0 | $1.bit : $0 }
        }
        kinds = UnsafePointer(bytes)
        alphabets = UnsafePointer(bits)
        base64 = UnsafePointer(values)
    }

    deinit {
        keys.deinitialize(count: keyCount).deallocate()
        findings.deinitialize(count: findingCount).deallocate()
        firstFindings.deallocate()
        reportsOneKey.deallocate()
        patternBytes.deallocate()
        next.deallocate()
        kinds.deallocate()
        alphabets.deallocate()
        base64.deallocate()
    }

    /// Returns the state after a byte.
    ///
    /// - Parameters:
    ///   - state: one that this method returned, or 0 at the beginning.
    ///   - entry: the byte's entry of ``kinds``.
    @inline(__always)
    func step(_ state: Int, _ entry: UInt8) -> Int { Int(next[state &<< 5 | Int(entry & 31)]) }

    /// Returns the patterns that end where a reporting state is reached. The buffer is valid as long as the automaton.
    @inline(__always)
    func report(of state: Int) -> UnsafeBufferPointer<Finding> {
        let first = Int(firstFindings[state])
        return UnsafeBufferPointer(start: findings + first, count: Int(firstFindings[state + 1]) - first)
    }

    /// Returns the key prefix that a reporting state stands for, if it stands for nothing else.
    @inline(__always)
    func onlyKey(of state: Int) -> UnsafePointer<Finding>? {
        reportsOneKey[state] ? UnsafePointer(findings + Int(firstFindings[state])) : nil
    }

    /// - Parameter number: the number in a ``Finding`` of this automaton.
    @inline(__always)
    func key(_ number: UInt16) -> UnsafePointer<KeyRule> { UnsafePointer(keys + Int(number)) }

    /// Returns a user's term as words, split at ASCII characters other than letters and digits.
    static func words(ofTerm term: String) -> String {
        term.utf8.split { $0 < 0x80 && !ASCII.isLetterOrDigit($0) }
            .map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }
}
