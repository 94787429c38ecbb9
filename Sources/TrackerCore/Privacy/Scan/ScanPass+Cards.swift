/// Adjacent digits, with their sums for the Luhn check (ISO/IEC 7812-1, annex B).
struct DigitGroup {
    var start: Int
    var end: Int
    /// The Luhn sum with the last digit counted once, and with it doubled.
    var sums: (Int, Int)

    var count: Int { end - start }

    init(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        start = range.lowerBound
        end = range.upperBound
        var single = 0
        var double = 0
        for byte in text[range] {
            let digit = Int(byte &- 0x30)
            let twice = digit > 4 ? digit * 2 - 9 : digit * 2
            (single, double) = (double + digit, single + twice)
        }
        sums = (single, double)
    }
}

extension ScanPass {
    /// Finds a card number, with blanks, hyphens and the like between its groups (ISO/IEC 7812-1).
    mutating func card(_ start: Int, _ end: Int) -> Range<Int>? {
        let last = scratch.groups.last
        if last != nil, start != (last?.end ?? 0) + 1 || !Self.isBetweenGroups(text[start - 1]) {
            scratch.groups.removeAll(keepingCapacity: true)
        }
        guard !kept.contains(.card), end - start <= 23 else {
            scratch.groups.removeAll(keepingCapacity: true)
            return nil
        }
        let group = DigitGroup(text, start..<end)
        scratch.groups.append(group)
        if group.count >= 20 { return cardWithMore(group) }
        // The digits of a fraction may pass the check by chance.
        let isFraction =
            scratch.groups.count == 1 && start >= 2 && text[start - 1] == UInt8(ascii: ".")
            && ASCII.isDigit(text[start - 2])
        if isFraction { return nil }
        var total = 0
        var sum = 0
        var isDoubled = false
        for group in scratch.groups.reversed() {
            steps &+= 1
            sum += isDoubled ? group.sums.1 : group.sums.0
            isDoubled = isDoubled != (group.count % 2 == 1)
            total += group.count
            if total > 19 { break }
            if total >= 13, sum % 10 == 0, isIssued(from: group.start, count: total) { return group.start..<end }
        }
        return group.count == 19 ? cardWithMore(group) : nil
    }

    /// Finds a card number of 16 or 15 digits with its expiry date or security code right after it, 19 to 23 digits in
    /// all.
    private mutating func cardWithMore(_ group: DigitGroup) -> Range<Int>? {
        steps &+= 32
        for count in [16, 15] {
            let part = DigitGroup(text, group.start..<group.start + count)
            if part.sums.0 % 10 == 0, isIssued(from: group.start, count: count) { return group.start..<group.end }
        }
        return nil
    }

    static func isBetweenGroups(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "_")
    }

    private mutating func isIssued(from start: Int, count: Int) -> Bool {
        var first6 = 0
        var digits = 0
        var position = start
        steps &+= 6
        while digits < 6, position < text.count {
            if ASCII.isDigit(text[position]) {
                first6 = first6 * 10 + Int(text[position] &- 0x30)
                digits += 1
            }
            position += 1
        }
        guard CardIssuer.hasRange(first6, count: count) else { return false }
        // A product number of that length may begin like a card number, too.
        return count != 13 || !Checksum.isProductNumber(text[start..<min(text.count, start + 13)])
    }
}

/// The number ranges of payment cards (ISO/IEC 7812-1; the issuers' published ranges).
enum CardIssuer {
    /// - Parameters:
    ///   - first6: the first six digits.
    ///   - count: the number of digits.
    static func hasRange(_ first6: Int, count: Int) -> Bool {
        let (first4, first3, first2) = (first6 / 100, first6 / 1000, first6 / 10_000)
        let isVisa = first6 / 100_000 == 4
        let isMaestro = [5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763].contains(first4)
        return switch count {
        case 13: isVisa
        case 14: first2 == 36 || first2 == 38 || first2 == 39 || (300...305).contains(first3)
        case 15: first2 == 34 || first2 == 37
        case 16:
            isVisa || isMaestro || (51...55).contains(first2) || (2221...2720).contains(first4) || first4 == 6011
                || first2 == 65 || (644...649).contains(first3) || first2 == 62 || first2 == 35
                || (2200...2204).contains(first4)
        case 18: isMaestro
        case 19: isVisa || isMaestro || first2 == 62 || first4 == 6011
        default: false
        }
    }
}

/// Checksums of numbers and keys.
enum Checksum {
    /// Returns whether the last six of 36 characters are the CRC-32 of the first thirty, in base 62 padded with zeros,
    /// as in tokens of GitHub and npm.
    static func isChecked(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count == 36 else { return false }
        var sum: UInt32 = .max
        for byte in text.prefix(30) {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        var value: UInt64 = 0
        for byte in text.suffix(6) {
            guard let digit = base62(byte) else { return false }
            value = value * 62 + digit
        }
        return value == UInt64(~sum)
    }

    private static func base62(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte) - 48
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt64(byte) - 55
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt64(byte) - 61
        default: nil
        }
    }

    /// Returns whether digits are an EAN-13 (GS1 General Specifications, section 7.9).
    static func isProductNumber(_ digits: some Collection<UInt8>) -> Bool {
        var sum = 0
        var weight = 1
        for digit in digits {
            sum += Int(digit &- 0x30) * weight
            weight = 4 - weight
        }
        return digits.count == 13 && sum % 10 == 0
    }
}
