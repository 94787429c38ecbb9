/// Collects what the words in a name say about its value.
struct NameReader {
    private var meaning = SensitiveName.Meaning.harmless
    private var lower = 0
    private var upper = 0
    /// The meaning of earlier words, which a harmless one can no longer revoke.
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

    /// Returns whether a part of a name ends here, or after a plural's `s` and up to four digits.
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
