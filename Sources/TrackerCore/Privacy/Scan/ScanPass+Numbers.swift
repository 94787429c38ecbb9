extension ScanPass {
    /// The first of some digits.
    ///
    /// - Returns: where to go on: behind what was hidden, or at the next byte.
    mutating func number(at start: Int) -> Int {
        var end = start + 1
        while end < text.count, ASCII.isDigit(text[end]) { end += 1 }
        let count = end - start
        // Numbers of one or two digits are everywhere.
        if count < 3, count < 2 || !mayBeIBAN(start) {
            if !scratch.groups.isEmpty { scratch.groups.removeAll(keepingCapacity: true) }
            return start + 1
        }
        steps &+= count
        // Years, dates and the like: alone, and too short for anything but a bot's number.
        let isAlone =
            (count < 8 || count < 13 && !(end < text.count && text[end] == UInt8(ascii: ":"))) && scratch.groups.isEmpty
            && !(end + 1 < text.count && ASCII.isDigit(text[end + 1]) && Self.isBetweenGroups(text[end]))
        if isAlone, !mayBeIBAN(start) { return start + 1 }
        if let range = socialSecurityNumber(start, end) ?? bankAccount(start, end) ?? telegramToken(start, end)
            ?? card(start, end)
        {
            return hide(range)
        }
        return start + 1
    }

    private func hasDigits(_ start: Int, _ count: Int) -> Bool {
        guard start + count <= text.count else { return false }
        for index in start..<start + count where !ASCII.isDigit(text[index]) { return false }
        return true
    }

    private func value(_ range: Range<Int>) -> Int {
        text[range].reduce(0) { $0 * 10 + Int($1 &- 0x30) }
    }

    /// Three, two and four digits with one separator, in the ranges that are given out (20 CFR 422.103).
    private mutating func socialSecurityNumber(_ start: Int, _ end: Int) -> Range<Int>? {
        guard end - start == 3, !kept.contains(.ssn), end + 8 <= text.count else { return nil }
        let separator = text[end]
        guard separator == UInt8(ascii: "-") || separator == 0x20, text[end + 3] == separator,
            hasDigits(end + 1, 2), hasDigits(end + 4, 4)
        else { return nil }
        steps &+= 8
        let last = end + 8
        if last < text.count, ASCII.isLetterOrDigit(text[last]) || text[last] == UInt8(ascii: "-") { return nil }
        if start > 0, ASCII.isLetterOrDigit(text[start - 1]) || text[start - 1] == UInt8(ascii: "-") { return nil }
        let area = value(start..<end)
        guard area != 0, area != 666, area < 900, value(end + 1..<end + 3) != 0, value(end + 4..<last) != 0 else {
            return nil
        }
        return start..<last
    }

    /// A bot's number, a colon and 35 characters.
    private mutating func telegramToken(_ start: Int, _ end: Int) -> Range<Int>? {
        guard (8...10).contains(end - start), end + 30 < text.count, text[end] == UInt8(ascii: ":") else { return nil }
        let run = run(of: .base64URL, at: end + 1)
        guard (33...37).contains(run.end - end - 1), run.isRandom(from: end + 1) else { return nil }
        return start..<run.end
    }
}
