/// Scans texts, each in a single pass from its first byte to its last. Reuses its buffers.
///
/// The automaton takes one step per byte. At its reports, and at delimiters, digits and `@`, a rule reads further. What
/// it reads is either hidden, and not read again, or cached (``TokenRun``), so that no byte is read more than a
/// constant number of times. ``steps`` counts every such read.
struct ScanPass {
    enum Context {
        case header
        /// A URL from its path on.
        case url
    }

    let automaton: RuleAutomaton
    let kept: PersonalData

    /// The decoded text; see ``DecodedText``. Valid only during ``run(_:marks:_:isNested:)``.
    private(set) var text = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    /// The encoding depth of each byte, in the highest eight bits; empty if no byte was encoded.
    private(set) var marks = UnsafeBufferPointer<UInt32>(start: nil, count: 0)
    private(set) var context = Context.header
    /// Whether the text was decoded from base64 or hex; nothing is decoded in it again.
    private(set) var isNested = false

    /// The findings, and reused buffers.
    var scratch = ScanScratch()
    /// The number of byte reads.
    var steps = 0
    /// Whether the limit on steps was reached and the rest of the text hidden.
    private(set) var isExhausted = false

    // The state at the current position.
    var name = NameReader()
    var isInName = false
    var nameStart = 0
    /// Where the current run of letters, digits, `-` and `_` began.
    var tokenStart = 0
    /// The same, including `+` and `/`.
    var base64Start = 0
    var path = PathReader()
    var isInQuery = false
    /// Whether the current parameter of the URL's own query already had its `=`.
    var hasValue = false
    /// Whether the current position is inside a URL, after its `://`.
    var hasURL = false
    /// Where a URL's user and password would begin, and the encoding depth of its slashes.
    var authority: (start: Int, depth: UInt32)?
    var tag = TagReader()
    /// The position up to which base64 has been decoded.
    var decodedEnd = 0
    /// The position up to which base64 has been read as the credentials of Basic.
    var basicEnd = 0

    init(_ automaton: RuleAutomaton, keeping kept: PersonalData) {
        self.automaton = automaton
        self.kept = kept
    }

    /// Scans a text, and discards the previous findings.
    mutating func run(
        _ text: UnsafeBufferPointer<UInt8>, marks: UnsafeBufferPointer<UInt32> = .init(start: nil, count: 0),
        _ context: Context, isNested: Bool = false
    ) {
        self.text = text
        self.marks = marks
        self.context = context
        self.isNested = isNested
        scratch.reset()
        steps = 0
        isExhausted = false
        name.reset()
        isInName = false
        nameStart = 0
        tokenStart = 0
        base64Start = 0
        path = PathReader()
        isInQuery = false
        hasValue = false
        hasURL = false
        authority = nil
        tag = TagReader()
        decodedEnd = 0
        basicEnd = 0
        run()
        self.text = UnsafeBufferPointer(start: nil, count: 0)
        self.marks = UnsafeBufferPointer(start: nil, count: 0)
    }

    /// The minimum length of a token that is checked for secrets.
    static let leastToken = 16

    /// Returns the maximum number of reads of a text of `count` bytes, without the automaton's. Ordinary texts need one
    /// for every two bytes.
    static func bound(_ count: Int) -> Int { 1024 + 3 * count }

    @inline(__always)
    func depth(_ index: Int) -> UInt32 { marks.isEmpty ? 0 : marks[index] >> 24 }

    private mutating func run() {
        guard let text = text.baseAddress else { return }
        let count = self.text.count
        let kinds = automaton.kinds
        let next = automaton.next
        let firstReporting = Int(automaton.firstReporting)
        let beyondNames = ByteKind.firstEntryBeyondNames
        let digit = ByteKind.digitEntry
        let bound = Self.bound(count)
        var position = 0
        var state = 0
        while position < count {
            let byte = text[position]
            var entry = kinds[Int(byte)]
            state = Int(next[state &<< 5 | Int(entry & 31)])
            var onward = position &+ 1
            switch entry >> 5 {
            case ByteKind.letter, ByteKind.hyphen, ByteKind.wide:
                if !isInName { beginName(position) }
            case ByteKind.digit:
                if !isInName { beginName(position) }
                if isFirstDigit(position) { onward = number(at: position) }
            case ByteKind.nameMark:
                endTokens(at: position)
                if !isInName { beginName(position) }
            case ByteKind.structure:
                onward = structure(byte, at: position)
            default:
                delimit(at: position)
            }
            if onward != position &+ 1 {
                // Something was hidden: restart after it.
                state = 0
                position = onward
                continue
            }
            // The rest of a name, and digits after the first, change only the automaton's state.
            if isInName, state < firstReporting {
                while onward < count {
                    let following = kinds[Int(text[onward])]
                    if following >= beyondNames, following != digit || entry != digit { break }
                    entry = following
                    state = Int(next[state &<< 5 | Int(entry & 31)])
                    onward &+= 1
                    if state >= firstReporting { break }
                }
            }
            position = onward
            if state >= firstReporting, let end = report(state, at: position) {
                state = 0
                position = end
            }
            if steps > bound { return hideRest(from: position) }
        }
        // One read by the automaton, one by the switch.
        steps &+= 2 &* count
        endTokens(at: count)
        endSegment(at: count, isInside: false)
    }

    /// Ends the current tokens at a byte that belongs to none.
    @inline(__always)
    mutating func endTokens(at position: Int) {
        if position &- tokenStart >= Self.leastToken {
            endToken(at: position)
        } else if position &- base64Start >= 40, let secret = awsSecret(endingAt: position) {
            hide(secret)
        }
        tokenStart = position &+ 1
        base64Start = position &+ 1
    }

    private mutating func hideRest(from position: Int) {
        isExhausted = true
        steps &+= 2 &* position
        if position < text.count { hide(position..<text.count) }
    }

    @inline(__always)
    private func isFirstDigit(_ position: Int) -> Bool { position == 0 || !ASCII.isDigit(text[position &- 1]) }

    @inline(__always)
    mutating func beginName(_ position: Int) {
        isInName = true
        nameStart = position
        if !name.isEmpty { name.reset() }
    }

    /// Hides a range, merged with the findings that it overlaps.
    ///
    /// - Returns: where to continue.
    @discardableResult
    mutating func hide(_ range: Range<Int>) -> Int {
        var range = range
        while let last = scratch.found.last, last.upperBound > range.lowerBound {
            range = min(last.lowerBound, range.lowerBound)..<max(last.upperBound, range.upperBound)
            scratch.found.removeLast()
        }
        if !range.isEmpty { scratch.found.append(range) }
        isInName = false
        name.reset()
        tokenStart = range.upperBound
        base64Start = range.upperBound
        path.restart(at: range.upperBound)
        return range.upperBound
    }

    /// Handles a report of the automaton: the end of a word or prefix that it knows.
    ///
    /// - Returns: where to continue if something was hidden.
    private mutating func report(_ state: Int, at end: Int) -> Int? {
        if let finding = automaton.onlyKey(of: state), case .key(let number) = finding.pointee.rule {
            steps &+= 2
            let start = end &- finding.pointee.length
            guard mayBeKey(number, prefix: start..<end), finding.pointee.isMatch(at: start, in: text),
                let range = range(of: number, prefix: start..<end)
            else { return nil }
            return hide(range)
        }
        return reportAll(state, at: end)
    }

    @inline(never)
    private mutating func reportAll(_ state: Int, at end: Int) -> Int? {
        for finding in automaton.report(of: state) {
            steps &+= 2
            let start = end - finding.length
            if case .key(let number) = finding.rule, !mayBeKey(number, prefix: start..<end) { continue }
            guard finding.isMatch(at: start, in: text) else { continue }
            switch finding.rule {
            case .key(let number):
                if let range = range(of: number, prefix: start..<end) { return hide(range) }
            case .name(let meaning, let place):
                name.consider(meaning, place, start..<end, in: text)
            case .path(let isNumeric):
                if NameReader.isWellPlaced(.part, start..<end, in: text) { path.tell(isNumeric: isNumeric) }
            case .callback:
                if path.isSegment(in: text), NameReader.isWellPlaced(.part, start..<end, in: text) {
                    path.isCallback = true
                }
            case .bearer:
                if isBoundary(start), let range = bearerToken(after: end) { return hide(start..<range) }
            case .basic:
                if isBoundary(start), let range = basicCredentials(after: end) { return hide(start..<range) }
            case .webToken:
                if isBoundary(start), let range = webToken(from: start) { return hide(range) }
            case .privateKey:
                if let range = privateKey(from: start, label: end) { return hide(range) }
            }
        }
        return nil
    }
}
