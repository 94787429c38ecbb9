/// Secrets and look-alikes in families, generated from random values: the same in each run, because the seed is fixed,
/// and never a constant that a filter could know.
///
/// The families follow what public rule sets and trackers filter: gitleaks, detect-secrets, trufflehog, and the lists
/// of Sentry and OpenTelemetry. The formats are theirs, the texts are not.
struct CorpusFamily: Sendable {
    enum Kind: Sendable {
        /// What any good tracker filters: none may leak.
        case common
        /// Where a filter has to guess: one in ten may leak.
        case hard
        /// What must stay unchanged.
        case lookAlike
    }

    let name: String
    let kind: Kind
    let cases: [CorpusCase]
}

/// One request.
struct CorpusCase: Sendable, CustomStringConvertible {
    var target = "/"
    var headers: [(name: String, value: String)] = []
    /// What must not be in the event; empty for a look-alike.
    var secret = ""

    var description: String { "\(target) \(headers.map { "\($0.name): \($0.value)" })" }

    static func header(_ name: String, _ value: String, _ secret: String = "") -> CorpusCase {
        CorpusCase(headers: [(name, value)], secret: secret)
    }

    static func target(_ target: String, _ secret: String = "") -> CorpusCase {
        CorpusCase(target: target, secret: secret)
    }
}

/// SplitMix64: small, and the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

extension SeededGenerator {
    /// Expands a template: `<a36>` stands for 36 letters and digits, and likewise `h` hex digits, `d` digits, `U`
    /// capitals and digits, `L` lowercase letters and digits, `l` letters, `u` capitals, `s` lowercase letters, `b`
    /// base64url, `B` base64, `2` the base32 of AWS, `x` Bech32.
    mutating func text(_ template: String) -> String {
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "<") {
            text += rest[..<open]
            guard let close = rest[open...].firstIndex(of: ">"), case let rule = rest[open..<close].dropFirst(),
                let kind = rule.first, let count = Int(rule.dropFirst())
            else { return text + rest }
            text += characters(kind, count)
            rest = rest[close...].dropFirst()
        }
        return text + rest
    }

    private static let small = "abcdefghijklmnopqrstuvwxyz"
    private static let digits = "0123456789"
    private static let sets: [Character: [Character]] = [
        "a": Array(small + small.uppercased() + digits), "h": Array("0123456789abcdef"), "d": Array(digits),
        "U": Array(small.uppercased() + digits), "L": Array(small + digits), "l": Array(small + small.uppercased()),
        "u": Array(small.uppercased()), "s": Array(small), "b": Array(small + small.uppercased() + digits + "-_"),
        "B": Array(small + small.uppercased() + digits + "+/"), "2": Array(small.uppercased() + "234567"),
        "x": Array("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    ]

    private mutating func characters(_ kind: Character, _ count: Int) -> String {
        let set = Self.sets[kind] ?? ["?"]
        return String((0..<count).map { _ in set[Int.random(in: 0..<set.count, using: &self)] })
    }

    /// A password as people and password managers create them: letters of both cases and digits.
    mutating func password() -> String { text("<l5><d2><a6>") }

    /// Digits that end in a valid Luhn check digit.
    mutating func luhn(_ beginning: String, _ count: Int) -> String {
        let digits = beginning + text("<d\(count - 1 - beginning.count)>")
        var sum = 0
        for (index, digit) in digits.reversed().enumerated() {
            let value = Int(String(digit)) ?? 0
            sum += index % 2 == 0 ? (value * 2 > 9 ? value * 2 - 9 : value * 2) : value
        }
        return digits + String((10 - sum % 10) % 10)
    }

    /// Digits that end in a wrong check digit.
    mutating func notLuhn(_ beginning: String, _ count: Int) -> String {
        let right = luhn(beginning, count)
        let last = (Int(String(right.last ?? "0")) ?? 0) + Int.random(in: 1...9, using: &self)
        return right.dropLast() + String(last % 10)
    }

    mutating func card() -> String {
        let issuers = [
            ("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("65", 16),
            ("36", 14),
            ("3530", 16), ("62", 16),
        ]
        let (beginning, count) = issuers[Int.random(in: 0..<issuers.count, using: &self)]
        return luhn(beginning, count)
    }

    /// An IBAN with valid check digits.
    mutating func iban(_ country: String, _ account: String) -> String {
        let account = text(account)
        var remainder = 0
        for character in account + country + "00" {
            if let digit = character.wholeNumberValue {
                remainder = (remainder * 10 + digit) % 97
            } else {
                let letter = Int(character.asciiValue ?? 65) - 55
                remainder = (remainder * 100 + letter) % 97
            }
        }
        let check = 98 - remainder
        return country + (check < 10 ? "0" : "") + String(check) + account
    }

    mutating func ean13() -> String {
        let digits = text("4<d11>")
        let sum = digits.enumerated().reduce(0) {
            $0 + (Int(String($1.element)) ?? 0) * ($1.offset % 2 == 0 ? 1 : 3)
        }
        return digits + String((10 - sum % 10) % 10)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }
}
