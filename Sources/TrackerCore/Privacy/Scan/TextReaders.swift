/// Collects what the words in a name say about its value.
struct NameReader {
    private var meaning = SensitiveName.Meaning.harmless
    private var lower = 0
    private var upper = 0
    /// The meaning of earlier words, which a harmless word can no longer override.
    private var settled = SensitiveName.Meaning.harmless

    /// The meaning of the name so far.
    var result: SensitiveName.Meaning { max(meaning, settled) }

    var isEmpty: Bool { meaning == .harmless && settled == .harmless }

    mutating func reset() { self = NameReader() }

    /// Adds words that the automaton found.
    mutating func consider(
        _ found: SensitiveName.Meaning, _ place: SensitiveName.Place, _ range: Range<Int>,
        in text: UnsafeBufferPointer<UInt8>
    ) {
        guard Self.isWellPlaced(place, range, in: text) else { return }
        if found == .harmless {
            if range.lowerBound <= lower, upper <= range.upperBound { meaning = .harmless }
        } else if meaning != .harmless, range.lowerBound < upper {
            meaning = max(meaning, found)
            lower = min(lower, range.lowerBound)
            upper = range.upperBound
        } else {
            settled = max(settled, meaning)
            meaning = found
            lower = range.lowerBound
            upper = range.upperBound
        }
    }

    static func isWellPlaced(
        _ place: SensitiveName.Place, _ range: Range<Int>, in text: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        switch place {
        case .anywhere: true
        case .ending: isEnd(range.upperBound, in: text)
        case .part: isStart(range.lowerBound, in: text) && isEnd(range.upperBound, in: text)
        case .whole:
            (range.lowerBound == 0 || !isNameByte(text[range.lowerBound - 1]))
                && (range.upperBound == text.count || !isNameByte(text[range.upperBound]))
        }
    }

    private static func isStart(_ index: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard index > 0 else { return true }
        let before = text[index - 1]
        if !ASCII.isLetterOrDigit(before) { return true }
        return ASCII.isCapital(text[index]) && !ASCII.isCapital(before)
    }

    /// Returns whether a part of a name ends here, or after up to five more characters: a plural `s` and digits.
    private static func isEnd(_ index: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        if isPartEnd(index, in: text) { return true }
        var end = index
        if end < text.count, text[end] | 0x20 == UInt8(ascii: "s") { end += 1 }
        while end < text.count, end - index <= 4, ASCII.isDigit(text[end]) { end += 1 }
        return end > index && isPartEnd(end, in: text)
    }

    private static func isPartEnd(_ index: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard index < text.count else { return true }
        let byte = text[index]
        if !ASCII.isLetterOrDigit(byte) { return true }
        return ASCII.isCapital(byte) && index > 0 && !ASCII.isCapital(text[index - 1])
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || byte >= 0x80 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "[")
    }
}

extension RuleAutomaton {
    /// Returns the meaning of a whole name.
    func meaning(of name: UnsafeBufferPointer<UInt8>) -> SensitiveName.Meaning {
        var reader = NameReader()
        var state = 0
        for index in name.indices {
            state = step(state, kinds[Int(name[index])])
            guard state >= Int(firstReporting) else { continue }
            for finding in report(of: state) {
                guard case .name(let meaning, let place) = finding.rule else { continue }
                let range = index + 1 - finding.length..<index + 1
                guard finding.isMatch(at: range.lowerBound, in: name) else { continue }
                reader.consider(meaning, place, range, in: name)
            }
        }
        return reader.result
    }

    /// Returns whether a name, decoded, marks its value as a secret whatever the value is.
    func isSensitive(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        if DecodedText.needsDecoding(name) {
            var decoded = DecodedText()
            decoded.decode(name)
            return decoded.bytes.withUnsafeBufferPointer { meaning(of: $0) } >= .secret
        }
        return meaning(of: name) >= .secret
    }
}

/// Tracks path segments anywhere in a text.
struct PathReader {
    /// The number of further segments for which a keyword counts.
    private(set) var telling = 0
    private(set) var isNumeric = false
    private var segmentTells = false
    private var segmentIsNumeric = false
    /// Where the segment began, or the part of it after a delimiter such as `;` or after something hidden.
    private(set) var segmentStart = 0
    /// Where the whole segment began; set only after a keyword.
    private(set) var wholeStart = 0
    /// Whether a part of the segment is a secret, so that its other parts may belong to it.
    var isSecret = false
    /// Whether the path or the URL so far looks like the callback of a login.
    var isCallback = false

    /// A keyword counts for the next segment and three more: `/hooks/slack/T0/B0/KEY`.
    private static let reach = 4

    /// Records a keyword in the current segment.
    mutating func tell(isNumeric: Bool) {
        segmentTells = true
        if isNumeric { segmentIsNumeric = true }
    }

    /// Returns whether the current position is in a segment, after a slash.
    func isSegment(in text: UnsafeBufferPointer<UInt8>) -> Bool {
        segmentStart > 0 && segmentStart <= text.count && text[segmentStart - 1] == UInt8(ascii: "/")
    }

    /// Whether no keyword is being tracked.
    @inline(__always)
    var isQuiet: Bool { telling == 0 && !segmentTells }

    /// Returns the part of a segment that ends here if a keyword makes it worth checking and no other part is a secret.
    @inline(__always)
    func part(endingAt end: Int) -> Range<Int>? {
        telling > 0 && !isSecret && end > segmentStart ? segmentStart..<end : nil
    }

    /// Like ``part(endingAt:)``, but returns the whole of a segment that has several parts.
    func whole(endingAt end: Int) -> Range<Int>? {
        telling > 0 && !isSecret && wholeStart < segmentStart && end > wholeStart ? wholeStart..<end : nil
    }

    /// Ends a part of a segment. After a keyword, what follows the delimiter counts as the next segment.
    mutating func endPart(at end: Int) {
        if telling > 0 { restart(at: end &+ 1) } else { endSegment(at: end, isInside: true) }
    }

    mutating func endSegment(at end: Int, isInside: Bool) {
        segmentStart = end &+ 1
        wholeStart = segmentStart
        isSecret = false
        if segmentTells {
            telling = Self.reach
            isNumeric = segmentIsNumeric
        } else {
            telling = max(0, telling - 1)
        }
        if !isInside {
            telling = 0
            isNumeric = false
        }
        segmentTells = false
        segmentIsNumeric = false
    }

    /// Begins a segment, or a part of one.
    @inline(__always)
    mutating func restart(at position: Int) {
        segmentStart = position
    }
}

/// Tracks the tags of XML and HTML, because a tag's name may be the name of the text after it.
struct TagReader {
    private var isOpen = false
    private var hasName = false
    private var meaning = SensitiveName.Meaning.harmless

    mutating func open() {
        isOpen = true
        hasName = false
    }

    /// Ends the tag's name, at a space, a quote or a backslash.
    @inline(__always)
    mutating func endName(_ name: SensitiveName.Meaning) {
        guard isOpen, !hasName else { return }
        hasName = true
        meaning = name
    }

    /// - Returns: what the tag's name says about the text after it.
    mutating func close(_ name: SensitiveName.Meaning) -> SensitiveName.Meaning {
        guard isOpen else { return .harmless }
        isOpen = false
        return hasName ? meaning : name
    }
}
