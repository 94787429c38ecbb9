extension ScanPass {
    /// Whether two letters stand before two digits, and begin a word.
    func mayBeIBAN(_ start: Int) -> Bool {
        start >= 2 && ASCII.isLetter(text[start - 1]) && ASCII.isLetter(text[start - 2]) && isBoundary(start - 2)
    }

    /// An account number whose length and sum are right (ISO 13616).
    mutating func bankAccount(_ start: Int, _ end: Int) -> Range<Int>? {
        guard end - start >= 2, !kept.contains(.iban), mayBeIBAN(start),
            let length = BankAccount.length(text[start - 2], text[start - 1])
        else { return nil }
        // The first four characters count last (ISO 7064, mod 97-10).
        var remainder = 0
        var count = 4
        var position = start + 2
        while position < text.count, count < length {
            let byte = text[position]
            let isBetween = byte == 0x20 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            // Another number, to be read for itself.
            if isBetween, position + 4 < text.count, mayBeIBAN(position + 3), ASCII.isDigit(text[position + 3]),
                ASCII.isDigit(text[position + 4]), BankAccount.length(text[position + 1], text[position + 2]) != nil
            {
                break
            }
            if ASCII.isLetterOrDigit(byte) {
                remainder = BankAccount.remainder(remainder, byte)
                count += 1
            } else if !isBetween || !ASCII.isLetterOrDigit(text[position - 1]) {
                break
            }
            position += 1
        }
        steps &+= position - start
        guard count == length, position >= text.count || !ASCII.isLetterOrDigit(text[position]) else { return nil }
        for byte in text[start - 2..<start + 2] { remainder = BankAccount.remainder(remainder, byte) }
        return remainder == 1 ? start - 2..<position : nil
    }
}

/// How long account numbers are, by country.
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

    /// - Parameters: two letters in either case.
    static func length(_ first: UInt8, _ second: UInt8) -> Int? {
        let length = byCountry[Int(first & 31) << 5 | Int(second & 31)]
        return length == 0 ? nil : Int(length)
    }

    /// The remainder of 97 with one more letter or digit behind; letters count from 10 on.
    static func remainder(_ value: Int, _ byte: UInt8) -> Int {
        ASCII.isDigit(byte)
            ? (value * 10 + Int(byte &- 0x30)) % 97 : (value * 100 + Int((byte | 0x20) &- 0x61) + 10) % 97
    }
}
