extension ScanPass {
    /// Checks a number at its first digit.
    ///
    /// - Returns: where to continue: after what was hidden, or at the next byte.
    mutating func number(at start: Int) -> Int {
        var end = start + 1
        while end < text.count, ASCII.isDigit(text[end]) { end += 1 }
        let count = end - start
        steps &+= count
        // Numbers of one or two digits are too common to check, except as the check digits of an account number.
        if count < 3 {
            if !scratch.groups.isEmpty { scratch.groups.removeAll(keepingCapacity: true) }
            return count < 2 ? start + 1 : bankAccount(start, end).map { hide($0) } ?? start + 1
        }
        // Years, dates and the like: alone, and too short for anything but the bot's number of a Telegram token.
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

    /// Finds a US Social Security number: three, two and four digits with one kind of separator, in the ranges that are
    /// issued (20 CFR 422.103).
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

    /// Finds a Telegram token: a bot's number, a colon and 33 to 37 characters.
    private mutating func telegramToken(_ start: Int, _ end: Int) -> Range<Int>? {
        guard (8...10).contains(end - start), end + 30 < text.count, text[end] == UInt8(ascii: ":") else { return nil }
        let run = run(of: .base64URL, at: end + 1)
        guard (33...37).contains(run.end - end - 1), run.isRandom(from: end + 1) else { return nil }
        return start..<run.end
    }
}

/// The separators in telephone numbers.
enum Telephone {
    /// Returns whether the whole value is a telephone number, with or without a country code.
    static func isNumber(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        let digits = value.reduce(0) { $0 + (ASCII.isDigit($1) ? 1 : 0) }
        return (7...15).contains(digits) && value.count <= 32
            && value.allSatisfy { ASCII.isDigit($0) || isBetween($0) || $0 == UInt8(ascii: "+") }
    }

    static func isBetween(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "(")
            || byte == UInt8(ascii: ")") || byte == UInt8(ascii: "/")
    }
}

extension ScanPass {
    /// Hides a telephone number with a `+` and a country code (ITU-T E.164), and returns where to continue; nil if
    /// there is none.
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

    /// Finds a telephone number as a value: seven to fifteen digits with their separators.
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

extension ScanPass {
    /// Returns whether two letters that begin a word precede the digits.
    func mayBeIBAN(_ start: Int) -> Bool {
        start >= 2 && ASCII.isLetter(text[start - 1]) && ASCII.isLetter(text[start - 2]) && isBoundary(start - 2)
    }

    /// Finds an account number with the right length and check digits (ISO 13616).
    mutating func bankAccount(_ start: Int, _ end: Int) -> Range<Int>? {
        guard end - start >= 2, !kept.contains(.iban), mayBeIBAN(start),
            let length = BankAccount.length(text[start - 2], text[start - 1])
        else { return nil }
        var count = 4
        var position = start + 2
        while position < text.count, count < length {
            let byte = text[position]
            let isBetween = byte == 0x20 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            // The start of another account number, which is checked separately.
            if isBetween, position + 4 < text.count, mayBeIBAN(position + 3), ASCII.isDigit(text[position + 3]),
                ASCII.isDigit(text[position + 4]), BankAccount.length(text[position + 1], text[position + 2]) != nil
            {
                break
            }
            if ASCII.isLetterOrDigit(byte) {
                count += 1
            } else if !isBetween || !ASCII.isLetterOrDigit(text[position - 1]) {
                break
            }
            position += 1
        }
        steps &+= position - start
        guard count == length, position >= text.count || !ASCII.isLetterOrDigit(text[position]) else { return nil }
        steps &+= position - start
        // The first four characters count last (ISO 7064, mod 97-10).
        var remainder = 0
        for byte in text[start + 2..<position] where ASCII.isLetterOrDigit(byte) {
            remainder = BankAccount.remainder(remainder, byte)
        }
        for byte in text[start - 2..<start + 2] { remainder = BankAccount.remainder(remainder, byte) }
        return remainder == 1 ? start - 2..<position : nil
    }
}

/// The lengths of international bank account numbers, by country.
enum BankAccount {
    private static let lengths: [(country: StaticString, length: Int)] = [
        ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22), ("BH", 22),
        ("BR", 29), ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24), ("DE", 22), ("DK", 18), ("DO", 28),
        ("EE", 20), ("EG", 29), ("ES", 24), ("FI", 18), ("FO", 18), ("FR", 27), ("GB", 22), ("GE", 22), ("GI", 23),
        ("GL", 18), ("GR", 27), ("GT", 28), ("HR", 21), ("HU", 28), ("IE", 22), ("IL", 23), ("IQ", 23), ("IS", 26),
        ("IT", 27), ("JO", 30), ("KW", 30), ("KZ", 20), ("LB", 28), ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21),
        ("LY", 25), ("MC", 27), ("MD", 24), ("ME", 22), ("MK", 19), ("MR", 27), ("MT", 31), ("MU", 30), ("NL", 18),
        ("NO", 15), ("PK", 24), ("PL", 28), ("PS", 29), ("PT", 25), ("QA", 29), ("RO", 24), ("RS", 22), ("SA", 24),
        ("SC", 31), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("ST", 25), ("SV", 28), ("TL", 23), ("TN", 24),
        ("TR", 26), ("UA", 29), ("VA", 22), ("VG", 24), ("XK", 20),
    ]

    private static let byCountry: [UInt8] = {
        var table = [UInt8](repeating: 0, count: 1024)
        for (country, length) in lengths {
            country.withUTF8Buffer { table[Int($0[0] & 31) << 5 | Int($0[1] & 31)] = UInt8(length) }
        }
        return table
    }()

    static let countries = lengths.map { (country: "\($0.country)", length: $0.length) }

    /// Returns the length for a country of two letters, in either case.
    static func length(_ first: UInt8, _ second: UInt8) -> Int? {
        let length = byCountry[Int(first & 31) << 5 | Int(second & 31)]
        return length == 0 ? nil : Int(length)
    }

    /// Returns the remainder modulo 97 with one more letter or digit appended; letters count from 10.
    static func remainder(_ value: Int, _ byte: UInt8) -> Int {
        ASCII.isDigit(byte)
            ? (value * 10 + Int(byte &- 0x30)) % 97 : (value * 100 + Int((byte | 0x20) &- 0x61) + 10) % 97
    }
}
