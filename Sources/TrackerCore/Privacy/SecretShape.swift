/// What looks like a secret, whatever its name.
enum SecretShape {
    /// Where the secret that begins at a word's first character ends; nil if none begins there.
    static func end(in text: EncodedText, at start: Int) -> Int? {
        if ByteClass.has(text.bytes[start], ByteClass.digit) { return cardEnd(in: text, at: start) }
        return webTokenEnd(in: text, at: start) ?? credentialsEnd(in: text, at: start)
            ?? serviceKeyEnd(in: text, at: start)
    }

    /// How the shapes that don't begin with a digit begin.
    static var beginnings: [[UInt8]] { [tokenStart, bearer, basic] + serviceKeys.map(\.prefix) }

    /// Where a beginning of the text ends, read through percent-encoding; nil if it is another.
    private static func end(of prefix: [UInt8], in text: EncodedText, at start: Int) -> Int? {
        guard text.bytes.count - start >= prefix.count else { return nil }
        var position = start
        for byte in prefix {
            guard position < text.bytes.count, case let next = text.character(at: position), next.byte == byte else {
                return nil
            }
            position += next.length
        }
        return position
    }

    private static func run(_ text: EncodedText, from start: Int, _ kind: UInt8) -> Int {
        var end = start
        while end < text.bytes.count, case let next = text.character(at: end), ByteClass.has(next.byte, kind) {
            end += next.length
        }
        return end
    }

    // MARK: JSON web tokens (RFC 7519)

    private static let tokenStart = Array("eyJ".utf8)

    /// Header and payload are base64url of "{"…", the signature may be empty.
    private static func webTokenEnd(in text: EncodedText, at start: Int) -> Int? {
        guard end(of: tokenStart, in: text, at: start) != nil else { return nil }
        let headerEnd = run(text, from: start, ByteClass.base64URL)
        guard headerEnd - start >= 10 else { return nil }
        var end = headerEnd
        var parts = 1
        while parts < 5, end < text.bytes.count {
            let mark = text.character(at: end)
            guard mark.byte == UInt8(ascii: ".") else { break }
            end = run(text, from: end + mark.length, ByteClass.base64URL)
            parts += 1
        }
        // A header alone may be any base64 of JSON; long ones are hidden all the same.
        return parts >= 2 || headerEnd - start >= 40 ? end : nil
    }

    // MARK: Credentials (RFC 9110, section 11.4)

    private static let bearer = Array("bearer".utf8)
    private static let basic = Array("basic".utf8)

    private static func scheme(_ text: EncodedText, at start: Int, _ name: [UInt8]) -> Bool {
        guard text.bytes.count - start >= name.count else { return false }
        for (offset, byte) in name.enumerated() where text.bytes[start + offset] | 0x20 != byte { return false }
        return true
    }

    private static func credentialsEnd(in text: EncodedText, at start: Int) -> Int? {
        let isBearer = scheme(text, at: start, bearer)
        guard isBearer || scheme(text, at: start, basic) else { return nil }
        var position = start + (isBearer ? bearer.count : basic.count)
        guard position < text.bytes.count else { return nil }
        let gap = text.character(at: position)
        guard gap.byte == 0x20 || gap.byte == UInt8(ascii: "+") else { return nil }
        position += gap.length
        let end = run(text, from: position, ByteClass.token)
        let token = UnsafeBufferPointer(rebasing: text.bytes[position..<end])
        return (isBearer ? looksRandom(token) : looksLikeBasic(token)) ? end : nil
    }

    /// Words of prose have neither digits nor capitals inside.
    private static func looksRandom(_ token: UnsafeBufferPointer<UInt8>) -> Bool {
        token.count >= 6
            && (token.contains { ByteClass.has($0, ByteClass.digit) } || token.count >= 20
                || token.dropFirst().contains { $0 >= 0x41 && $0 <= 0x5A })
    }

    /// Base64 of "user:password" (RFC 7617).
    private static func looksLikeBasic(_ token: UnsafeBufferPointer<UInt8>) -> Bool {
        guard token.count >= 4 else { return false }
        var bits: UInt32 = 0
        var count = 0
        for byte in token {
            guard let value = base64Value(byte) else { return byte == UInt8(ascii: "=") && false }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                if UInt8(truncatingIfNeeded: bits >> UInt32(count)) == UInt8(ascii: ":") { return true }
            }
        }
        return false
    }

    private static func base64Value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }

    /// Whether a word is the name of an authentication scheme, so that the credentials follow it.
    static func isScheme(_ text: EncodedText, _ range: Range<Int>) -> Bool {
        let word = text.bytes[range].map { $0 | 0x20 }
        return ["bearer", "basic", "digest", "token", "apikey", "negotiate", "ntlm", "aws4-hmac-sha256"].contains {
            word.elementsEqual($0.utf8)
        }
    }

    // MARK: Keys of well-known services

    /// What their keys begin with, and how many characters follow at least.
    private static let serviceKeys: [(prefix: [UInt8], length: Int)] = [
        ("AKIA", 16), ("ASIA", 16), ("AIza", 30), ("ghp_", 30), ("gho_", 30), ("ghu_", 30), ("ghs_", 30),
        ("github_pat_", 20), ("glpat-", 16), ("sk_live_", 12), ("sk_test_", 12), ("rk_live_", 12), ("pk_live_", 12),
        ("whsec_", 12), ("xoxb-", 10), ("xoxp-", 10), ("xoxa-", 10), ("xoxs-", 10), ("SG.", 20), ("npm_", 30),
        ("dop_v1_", 30), ("shpat_", 20), ("sk-", 20), ("ya29.", 20), ("EAAC", 40),
    ].map { (Array($0.0.utf8), $0.1) }

    private static let serviceKeysByFirstByte: [[(prefix: [UInt8], length: Int)]] = (0..<128).map { first in
        serviceKeys.filter { Int($0.prefix[0]) == first }
    }

    private static func serviceKeyEnd(in text: EncodedText, at start: Int) -> Int? {
        for key in serviceKeysByFirstByte[Int(text.bytes[start] & 0x7F)] {
            guard let body = end(of: key.prefix, in: text, at: start) else { continue }
            let end = run(text, from: body, ByteClass.serviceKey)
            let hasDigit = text.bytes[body..<end].contains { ByteClass.has($0, ByteClass.digit) }
            if end - body >= key.length, hasDigit { return end }
        }
        return nil
    }

    // MARK: Payment cards (ISO/IEC 7812-1)

    /// Digits in one piece or in groups, of a length and with a beginning that cards have, and with their check digit.
    private static func cardEnd(in text: EncodedText, at start: Int) -> Int? {
        var digits: (UInt64, count: Int) = (0, 0)
        var sum = 0
        var doubled = 0
        var end = start
        var position = start
        while position < text.bytes.count {
            let next = text.character(at: position)
            if ByteClass.has(next.byte, ByteClass.digit) {
                guard digits.count < 19 else { return nil }
                let digit = Int(next.byte) - 48
                digits.0 = digits.0 &* 10 &+ UInt64(digit)
                digits.count += 1
                // Luhn's sum, for both places of the last digit at once.
                let twice = digit * 2 > 9 ? digit * 2 - 9 : digit * 2
                (sum, doubled) = (doubled + digit, sum + twice)
                position += next.length
                end = position
            } else if next.byte == 0x20 || next.byte == UInt8(ascii: "-") || next.byte == UInt8(ascii: "+"),
                digits.count >= 4, position == end
            {
                position += next.length
            } else {
                break
            }
        }
        guard digits.count >= 13, sum % 10 == 0, isIssued(digits.0, count: digits.count) else { return nil }
        if end < text.bytes.count, ByteClass.has(text.character(at: end).byte, ByteClass.letterOrDigit) { return nil }
        return end
    }

    private static func isIssued(_ number: UInt64, count: Int) -> Bool {
        var first6 = number
        for _ in 6..<count { first6 /= 10 }
        let (first4, first3, first2) = (first6 / 100, first6 / 1000, first6 / 10_000)
        return switch count {
        case 15: first2 == 34 || first2 == 37
        case 14: first2 == 36 || first2 == 38 || first2 == 39 || (300...305).contains(first3)
        case 13: first6 / 100_000 == 4
        case 16...19:
            first6 / 100_000 == 4 || (51...55).contains(first2) || (2221...2720).contains(first4) || first4 == 6011
                || first2 == 65 || (644...649).contains(first3) || first2 == 62 || first2 == 35
                || [5018, 5020, 5038, 6304, 6759, 6761, 6763].contains(first4)
        default: false
        }
    }

    // MARK: Addresses

    /// The end of a host name with at least one dot, after the `@` of an e-mail address.
    static func domainEnd(in text: EncodedText, at start: Int) -> Int? {
        var position = start
        var end: Int?
        var labelLength = 0
        var hasDot = false
        var isLetters = true
        while position < text.bytes.count {
            let next = text.character(at: position)
            if ByteClass.has(next.byte, ByteClass.letterOrDigit) || next.byte == UInt8(ascii: "-") {
                labelLength += 1
                if !ByteClass.has(next.byte, ByteClass.letterOrDigit) || ByteClass.has(next.byte, ByteClass.digit) {
                    isLetters = false
                }
                position += next.length
                if hasDot, labelLength >= 2, isLetters { end = position }
            } else if next.byte == UInt8(ascii: "."), labelLength > 0 {
                hasDot = true
                labelLength = 0
                isLetters = true
                position += next.length
            } else {
                break
            }
        }
        return end
    }

    /// The user and password between `//` and `@` of a URL (RFC 3986, section 3.2.1).
    static func userInfo(in text: EncodedText, after colon: Int) -> Range<Int>? {
        var position = colon
        for _ in 0..<2 {
            guard position < text.bytes.count, case let next = text.character(at: position),
                next.byte == UInt8(ascii: "/")
            else { return nil }
            position += next.length
        }
        let start = position
        var at: Int?
        while position < text.bytes.count {
            let next = text.character(at: position)
            switch next.byte {
            case UInt8(ascii: "@"): at = position
            case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"),
                UInt8(ascii: ">"), UInt8(ascii: "&"), 0x20:
                return at.map { start..<$0 }
            default: break
            }
            position += next.length
        }
        return at.map { start..<$0 }
    }
}
