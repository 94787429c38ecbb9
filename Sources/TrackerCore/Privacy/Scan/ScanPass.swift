/// One pass over one text after another, each from its first byte to its last. Keeps its buffers.
///
/// For each byte the automaton takes one step. Where it reports something, or where a delimiter, a digit or an `@`
/// stands, a rule looks further; what it looked at is either hidden, and then not read again, or remembered
/// (``TokenRun``), so that no byte is looked at more than a constant number of times. ``steps`` counts every such look.
struct ScanPass {
    enum Context {
        case header
        /// The path of a URL and what follows.
        case url
    }

    let automaton: RuleAutomaton
    let kept: PersonalData

    /// The text as it is meant; see ``DecodedText``. Valid only during ``run(_:marks:_:isNested:)``.
    private(set) var text = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    /// How deeply each byte was encoded, in the highest eight bits; empty if no byte was.
    private(set) var marks = UnsafeBufferPointer<UInt32>(start: nil, count: 0)
    private(set) var context = Context.header
    /// Whether the text was hidden in base64 or hex; no further text is looked for in it.
    private(set) var isNested = false

    /// What was found, and buffers that are reused.
    var scratch = ScanScratch()
    /// How often bytes were looked at.
    var steps = 0
    /// Whether the bound on the steps was hit, and the rest of the text hidden for it.
    private(set) var isExhausted = false

    // The state at the current position.
    var name = NameReader()
    var isInName = false
    var nameStart = 0
    /// Where the current run of letters, digits, `-` and `_` began.
    var tokenStart = 0
    /// The same, with `+` and `/` in it.
    var base64Start = 0
    var path = PathReader()
    var isInQuery = false
    /// Whether the current parameter of the URL's own query has had its `=`.
    var hasValue = false
    /// Whether there was a `://`.
    var hasURL = false
    /// Where the user and password of a URL would stand, and how deeply its slashes were encoded.
    var authority: (start: Int, depth: UInt32)?
    var tag = TagReader()
    /// Up to where text in base64 has been looked for.
    var decodedEnd = 0

    init(_ automaton: RuleAutomaton, keeping kept: PersonalData) {
        self.automaton = automaton
        self.kept = kept
    }

    /// Reads a text. What was found in the one before is forgotten.
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
        path.isInPath = context == .url
        isInQuery = false
        hasValue = false
        hasURL = false
        authority = nil
        tag = TagReader()
        decodedEnd = 0
        run()
        self.text = UnsafeBufferPointer(start: nil, count: 0)
        self.marks = UnsafeBufferPointer(start: nil, count: 0)
    }

    /// How long a token has to be for a look at what it may be.
    static let leastToken = 16

    /// The most looks at a text of so many bytes besides those of the automaton. Ordinary texts need one for every two
    /// bytes.
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
                // Something was hidden: what follows begins anew.
                state = 0
                position = onward
                continue
            }
            // The rest of a name changes nothing but the automaton's state, nor do digits after the first one.
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
        // By the automaton, and by what follows it.
        steps &+= 2 &* count
        endTokens(at: count)
        endSegment(at: count, isInside: false)
    }

    /// Ends tokens at what stands in none of them.
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

    /// Hides a place, and what was found in it before.
    ///
    /// - Returns: where to go on.
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

    /// What the automaton reports: the end of a word or of a beginning that it knows.
    ///
    /// - Returns: where to go on if something was hidden.
    private mutating func report(_ state: Int, at end: Int) -> Int? {
        if let finding = automaton.onlyKey(of: state), case .key(let number) = finding.pointee.rule {
            steps &+= 2
            let start = end &- finding.pointee.length
            guard mayBeKey(number, start), finding.pointee.isMatch(at: start, in: text),
                let range = range(of: number, prefix: start..<end)
            else { return nil }
            return hide(range)
        }
        return reportAll(state, at: end)
    }

    /// Most keys are turned away by what stands before.
    @inline(__always)
    private func mayBeKey(_ number: UInt16, _ start: Int) -> Bool {
        isBoundary(start) || automaton.lead(ofKey: number) > 0
    }

    @inline(never)
    private mutating func reportAll(_ state: Int, at end: Int) -> Int? {
        for finding in automaton.report(of: state) {
            steps &+= 2
            let start = end - finding.length
            if case .key(let number) = finding.rule, !mayBeKey(number, start) { continue }
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

    /// Whether a word may begin here.
    @inline(__always)
    func isBoundary(_ index: Int) -> Bool { index <= 0 || !ASCII.isLetterOrDigit(text[index &- 1]) }
}
