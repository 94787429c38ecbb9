/// Follows the segments of paths, wherever a text has some.
struct PathReader {
    /// For how many more segments a telling word counts.
    private(set) var telling = 0
    private(set) var isNumeric = false
    private var segmentTells = false
    private var segmentIsNumeric = false
    private(set) var segmentStart = 0
    /// Whether the path, or the URL so far, looks like the way back from a login.
    var isCallback = false
    /// Whether the text is in the path of its own URL.
    var isInPath = false

    /// A telling word counts for the segment behind it and three more: `/hooks/slack/T0/B0/KEY`.
    private static let reach = 4

    /// The present segment has a telling word.
    mutating func tell(isNumeric: Bool) {
        segmentTells = true
        if isNumeric { segmentIsNumeric = true }
    }

    /// Whether the present place is in a segment, behind a slash.
    func isSegment(in text: UnsafeBufferPointer<UInt8>) -> Bool {
        segmentStart > 0 && segmentStart <= text.count && text[segmentStart - 1] == UInt8(ascii: "/")
    }

    /// Whether no telling word has to be remembered.
    @inline(__always)
    var isQuiet: Bool { telling == 0 && !segmentTells }

    /// The segment that ends at a place, if it is to be looked at.
    @inline(__always)
    func segment(endingAt end: Int) -> Range<Int>? {
        telling > 0 && end > segmentStart ? segmentStart..<end : nil
    }

    mutating func endSegment(at end: Int, isInside: Bool) {
        segmentStart = end &+ 1
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

    /// A segment begins.
    @inline(__always)
    mutating func restart(at position: Int) {
        segmentStart = position
    }
}

/// Follows the tags of XML and HTML, whose names may be the names of what stands between them.
struct TagReader {
    private var isOpen = false
    private var hasName = false
    private var meaning = SensitiveName.Meaning.harmless

    mutating func open() {
        isOpen = true
        hasName = false
    }

    /// A space or a quote, which ends the tag's name.
    @inline(__always)
    mutating func endName(_ name: SensitiveName.Meaning) {
        guard isOpen, !hasName else { return }
        hasName = true
        meaning = name
    }

    /// - Returns: what the tag's name says of what follows.
    mutating func close(_ name: SensitiveName.Meaning) -> SensitiveName.Meaning {
        guard isOpen else { return .harmless }
        isOpen = false
        return hasName ? meaning : name
    }
}
