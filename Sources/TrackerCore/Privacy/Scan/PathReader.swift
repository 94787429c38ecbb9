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

    /// As ``part(endingAt:)``, but returns all of a segment that has several parts.
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

    /// Begins a segment.
    @inline(__always)
    mutating func restart(at position: Int) {
        segmentStart = position
    }
}

/// Tracks the tags of XML and HTML, whose names may be the names of the text between them.
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
