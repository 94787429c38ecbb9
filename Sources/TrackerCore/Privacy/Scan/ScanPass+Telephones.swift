/// What people write between the digits of telephone numbers.
enum Telephone {
    static func isBetween(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "(")
            || byte == UInt8(ascii: ")") || byte == UInt8(ascii: "/")
    }
}

extension ScanPass {
    /// A `+` and a number with its country code (ITU-T E.164).
    mutating func telephone(at plus: Int) -> Int? {
        guard !kept.contains(.phone), plus + 8 < text.count, isBoundary(plus), text[plus + 1] &- 0x31 < 9 else {
            return nil
        }
        var digits = 0
        var end = plus + 1
        var position = plus + 1
        var gap = 0
        while position < text.count, digits < 16 {
            if ASCII.isDigit(text[position]) {
                digits += 1
                end = position + 1
                gap = 0
            } else if Telephone.isBetween(text[position]), gap < 2 {
                gap += 1
            } else {
                break
            }
            position += 1
        }
        steps &+= position - plus
        if end < text.count, ASCII.isLetterOrDigit(text[end]) { return nil }
        let first = text[plus + 1]
        let isWhole =
            first == UInt8(ascii: "1") || first == UInt8(ascii: "7") ? digits == 11 : digits >= 9 && digits <= 15
        return isWhole ? hide(plus..<end) : nil
    }

    /// A value of seven to fifteen digits and what people write between them.
    mutating func namedTelephone(_ place: ValuePlace) -> Range<Int>? {
        var start = place.start
        while start < text.count, start - place.start < 3,
            text[start] == UInt8(ascii: "\\") || text[start] == UInt8(ascii: "\"") || text[start] == UInt8(ascii: "'")
        {
            start += 1
        }
        var position = start
        var digits = 0
        var end = start
        while position < text.count, position - start < 32 {
            if ASCII.isDigit(text[position]) {
                digits += 1
                end = position + 1
            } else if !Telephone.isBetween(text[position]), text[position] != UInt8(ascii: "+") {
                break
            }
            position += 1
        }
        steps &+= position - start
        if position < text.count, ASCII.isLetter(text[position]) { return nil }
        return (7...15).contains(digits) ? start..<end : nil
    }
}
