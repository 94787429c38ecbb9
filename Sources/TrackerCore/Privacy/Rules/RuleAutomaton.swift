/// All names and formats, compiled into one automaton that takes a step for each byte (Aho and Corasick, 1975).
///
/// The tables are read through pointers, because an array costs a check and a reference at each step. That is right
/// because they are written in `init` alone, freed in `deinit` alone, and read at indices that the tables themselves
/// bound: a state below the number of states, times 32, plus a letter below 32; and a byte in a table of 256. For the
/// same reason the type may be shared between threads.
final class RuleAutomaton: @unchecked Sendable {
    /// What was found when a state is reached.
    struct Pattern {
        enum Rule {
            case key(KeyRule)
            case name(SensitiveName.Meaning, SensitiveName.Place)
            case path(isNumeric: Bool)
            case callback
            /// The name of an authentication scheme and a space (RFC 9110, section 11.1).
            case bearer
            case basic
            /// Three letters that JSON web tokens begin with (RFC 7519).
            case webToken
            /// The line before a private key (RFC 7468).
            case privateKey
        }

        let rule: Rule
        /// As written in the rule; compared byte by byte if `isExact`.
        let text: [UInt8]
        /// Whether bytes have to be compared: the automaton's letters are too coarse for this pattern.
        let isExact: Bool
        /// Whether the comparison takes account of case.
        let isCased: Bool
    }

    /// The rules as they come, once somebody has asked for them.
    ///
    /// Under a lock that a fork waits for, and no lazy constant: the child of a fork that falls into the making of one
    /// would wait for it for ever.
    private static let standard = ThreadLock<RuleAutomaton?>(nil, survivesFork: true)

    /// - Parameter terms: further words for names of secrets.
    static func with(_ terms: Set<String> = []) -> RuleAutomaton {
        standard.withLock { standard in
            guard terms.isEmpty else { return RuleAutomaton(adding: terms) }
            if let standard { return standard }
            let made = RuleAutomaton(adding: [])
            standard = made
            return made
        }
    }

    /// For each state and letter the next state.
    let next: UnsafePointer<UInt16>
    /// ``ByteKind`` for each byte.
    let kinds: UnsafePointer<UInt8>
    /// The bits of ``Alphabet`` for each byte.
    let alphabets: UnsafePointer<UInt8>
    /// The values of ``Base64Decoder`` for each byte.
    let base64: UnsafePointer<UInt8>
    /// States from this one on have something to report.
    let firstReporting: UInt16
    /// For each reporting state which of ``patterns`` end there, those of harmless names last.
    private let reports: [Range<Int>]
    private let patterns: [Pattern]
    let stateCount: Int

    /// - Parameter terms: further words for names of secrets.
    init(adding terms: Set<String>) {
        var builder = AutomatonBuilder()
        for format in SecretFormat.all {
            builder.add(
                Pattern(rule: .key(KeyRule(format)), text: Array(format.prefix.utf8), isExact: true, isCased: true))
        }
        for name in SensitiveName.all {
            for word in name.words { builder.add(words: word, .name(name.meaning, name.place)) }
        }
        for term in terms.sorted() { builder.add(words: Self.words(ofTerm: term), .name(.secret, .part)) }
        for word in TellingPath.words { builder.add(words: word, .path(isNumeric: false)) }
        for word in TellingPath.numericWords { builder.add(words: word, .path(isNumeric: true)) }
        for word in TellingPath.callbacks { builder.add(words: word, .callback) }
        builder.add(words: "bearer ", .bearer)
        builder.add(words: "basic ", .basic)
        builder.add(Pattern(rule: .webToken, text: Array("eyJ".utf8), isExact: true, isCased: true))
        builder.add(Pattern(rule: .privateKey, text: Array("-----BEGIN".utf8), isExact: true, isCased: true))
        let compiled = builder.compiled()
        stateCount = compiled.reports.count
        firstReporting = UInt16(compiled.firstReporting)
        reports = compiled.reports
        patterns = compiled.patterns

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
        next.deallocate()
        kinds.deallocate()
        alphabets.deallocate()
        base64.deallocate()
    }

    /// The state after a byte.
    ///
    /// - Parameters:
    ///   - state: one that this method gave, or 0 at the beginning.
    ///   - entry: the byte's entry of ``kinds``.
    @inline(__always)
    func step(_ state: Int, _ entry: UInt8) -> Int { Int(next[state &<< 5 | Int(entry & 31)]) }

    /// Which patterns end where a reporting state is reached.
    func report(of state: Int) -> Range<Int> { reports[state] }

    func rule(_ number: Int) -> Pattern.Rule { patterns[number].rule }

    func length(of number: Int) -> Int { patterns[number].text.count }

    /// Whether what the automaton found is the pattern, byte by byte where its letters are too coarse to tell.
    ///
    /// - Parameter range: as long as the pattern, and within the text.
    func isMatch(_ number: Int, _ range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard patterns[number].isExact else { return true }
        let isCased = patterns[number].isCased
        return patterns[number].text.withUnsafeBufferPointer { pattern in
            for offset in pattern.indices {
                let (wanted, byte) = (pattern[offset], text[range.lowerBound + offset])
                if wanted == byte { continue }
                if isCased || ByteKind.letter(of: wanted) != ByteKind.letter(of: byte) { return false }
                // Letters and separators are as good as their kind; digits and what is beyond ASCII are not.
                if wanted >= 0x80 || ASCII.isDigit(wanted) { return false }
            }
            return true
        }
    }

    /// A term of the user's as words: parts are separated by what is no letter or digit.
    static func words(ofTerm term: String) -> String {
        term.utf8.split { $0 < 0x80 && !ASCII.isLetterOrDigit($0) }
            .map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }
}
