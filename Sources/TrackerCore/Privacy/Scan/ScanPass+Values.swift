/// The place where the value of a name begins, and what may end it.
struct ValuePlace {
    var start: Int
    /// The encoding depth of the `=` or `:`; what is encoded deeper is part of the value.
    var depth: UInt32
    /// Whether it is a parameter of the URL's own query, which ends only at a `&`.
    var isParameter: Bool
    /// The byte before the name; 0 at the start of the text.
    var quote: UInt8
}

extension ScanPass {
    /// Returns the value of a sensitive name; nil if there is none, or if it is harmless.
    mutating func secretValue(_ place: ValuePlace, _ meaning: SensitiveName.Meaning) -> Range<Int>? {
        var place = place
        while place.start < text.count, Self.isBeforeValue(text[place.start]) { place.start += 1 }
        guard place.start < text.count else { return nil }
        let range: Range<Int>?
        switch meaning {
        case .harmless: range = nil
        case .conditional: range = loginCode(place)
        case .phone: range = kept.contains(.phone) ? nil : namedTelephone(place)
        case .secret: range = value(place)
        case .secretLine: range = line(place)
        }
        steps &+= range?.count ?? 0
        return range
    }

    /// Returns whether a byte may precede a value: spaces, and the ends of `=>`, `==` and `:=`.
    private static func isBeforeValue(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == UInt8(ascii: "=") || byte == UInt8(ascii: ">")
    }

    private func value(_ place: ValuePlace) -> Range<Int>? {
        if place.isParameter { return parameter(place) }
        var start = place.start
        while start < text.count, text[start] == UInt8(ascii: "\\") { start += 1 }
        guard start < text.count else { return place.start..<start }
        switch text[start] {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return quoted(from: start + 1, by: start)
        case UInt8(ascii: "{"), UInt8(ascii: "["): return bracketed(from: start)
        default: return plain(place, from: start)
        }
    }

    private func parameter(_ place: ValuePlace) -> Range<Int> {
        var end = place.start
        while end < text.count, text[end] != UInt8(ascii: "&") || depth(end) > 0 { end += 1 }
        return place.start..<end
    }

    /// Returns the value up to the next quote of the same kind that is encoded no deeper, or to the end of the
    /// parameter around it.
    private func quoted(from start: Int, by quote: Int) -> Range<Int> {
        let depth = depth(quote)
        var end = start
        while end < text.count {
            let byte = text[end]
            if byte == text[quote], self.depth(end) <= depth { break }
            if byte == UInt8(ascii: "&"), context == .url, self.depth(end) < depth { break }
            end += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        return start..<min(end, text.count)
    }

    /// Returns the whole object or list under a sensitive name, whatever the names inside.
    private func bracketed(from start: Int) -> Range<Int> {
        let depth = depth(start)
        var open = 0
        var end = start
        while end < text.count {
            switch text[end] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                open -= 1
                if open == 0 { return start..<end + 1 }
            case UInt8(ascii: "\""):
                end = quoted(from: end + 1, by: end).upperBound
                if end >= text.count { return start..<text.count }
            case UInt8(ascii: "&"):
                if context == .url, self.depth(end) < depth || depth == 0 { return start..<end }
            default: break
            }
            end += 1
        }
        return start..<text.count
    }

    private func plain(_ place: ValuePlace, from start: Int) -> Range<Int> {
        var position = start
        // "Bearer abc", "Basic abc": the value goes on after the scheme.
        var mayHaveScheme = true
        while position < text.count {
            if depth(position) > place.depth {
                position += 1
                continue
            }
            switch text[position] {
            case UInt8(ascii: "&"):
                if isInQuery || context == .url || hasName(at: position + 1, colons: false) {
                    return start..<position
                }
            case UInt8(ascii: "#"):
                if isInQuery || context == .url { return start..<position }
            case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), 0x0A, 0x0D: return start..<position
            case UInt8(ascii: "'"), UInt8(ascii: ")"), UInt8(ascii: "}"), UInt8(ascii: "]"):
                if isClosing(position) { return start..<position }
            case UInt8(ascii: "?"):
                if !isInQuery, context == .url || hasURL { return start..<position }
            case UInt8(ascii: "/"):
                if !isInQuery, context == .url || hasURL { return start..<position }
            case UInt8(ascii: ","), UInt8(ascii: ";"):
                if isSeparating(position) { return start..<position }
            case 0x20, 0x09:
                let word = start..<position
                guard mayHaveScheme, AuthenticationScheme.isOne(text[word]) else { return word }
                if AuthenticationScheme.hasParameters(text[word]) {
                    return start..<lineEnd(from: position, place.quote)
                }
                mayHaveScheme = false
            default: break
            }
            position += 1
        }
        return start..<position
    }

    /// Returns whether a bracket or quote closes what surrounds the value; inside the value, more of it follows.
    private func isClosing(_ position: Int) -> Bool {
        guard position + 1 < text.count else { return true }
        switch text[position + 1] {
        case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ")"), UInt8(ascii: "}"),
            UInt8(ascii: "]"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: ">"), UInt8(ascii: "&"),
            UInt8(ascii: "<"):
            return true
        default: return false
        }
    }

    /// Returns whether a comma or semicolon separates this value from something else.
    private func isSeparating(_ position: Int) -> Bool {
        guard position + 1 < text.count else { return true }
        switch text[position + 1] {
        case 0x20, 0x09, UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ";"),
            UInt8(ascii: ","), UInt8(ascii: "<"):
            return true
        default: return hasName(at: position + 1, colons: true)
        }
    }

    /// Returns whether a name and a `=` follow or, if `colons`, a name and a `:`.
    private func hasName(at start: Int, colons: Bool) -> Bool {
        var position = start
        while position < text.count, position - start <= 64 {
            switch automaton.kinds[Int(text[position])] >> 5 {
            case ByteKind.letter, ByteKind.digit, ByteKind.hyphen, ByteKind.nameMark, ByteKind.wide: position += 1
            default:
                return position > start
                    && (text[position] == UInt8(ascii: "=") || (colons && text[position] == UInt8(ascii: ":")))
            }
        }
        return false
    }

    /// Returns the rest of the line: a cookie field has many values. A quote before the name encloses all of it.
    private func line(_ place: ValuePlace) -> Range<Int> {
        if place.isParameter { return parameter(place) }
        if text[place.start] == UInt8(ascii: "\"") { return quoted(from: place.start + 1, by: place.start) }
        return place.start..<lineEnd(from: place.start, place.quote)
    }

    private func lineEnd(from start: Int, _ quote: UInt8) -> Int {
        let isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
        var end = start
        while end < text.count, text[end] != 0x0A, text[end] != 0x0D, !(isQuoted && text[end] == quote) {
            if context == .url, text[end] == UInt8(ascii: "&"), depth(end) == 0 { break }
            end += 1
        }
        return end
    }

    /// Returns the value of `code`, `state` and the like if it looks random or is in a login's callback URL.
    private mutating func loginCode(_ place: ValuePlace) -> Range<Int>? {
        var start = place.start
        while start < text.count, start - place.start < 3,
            text[start] == UInt8(ascii: "\\") || text[start] == UInt8(ascii: "\"") || text[start] == UInt8(ascii: "'")
        {
            start += 1
        }
        var end = start
        while end < text.count, end - start < 512, isLoginByte(end, place.depth) { end += 1 }
        steps &+= end - start
        guard end > start else { return nil }
        if path.isCallback, isInQuery { return start..<end }
        return Randomness.isLoginCode(UnsafeBufferPointer(rebasing: text[start..<end])) ? start..<end : nil
    }

    private func isLoginByte(_ index: Int, _ depth: UInt32) -> Bool {
        let byte = text[index]
        if automaton.alphabets[Int(byte)] & Alphabet.token.bit != 0, byte != UInt8(ascii: "=") { return true }
        // What is encoded deeper belongs to the value, except what begins a value of its own.
        return self.depth(index) > depth && byte != UInt8(ascii: "=") && byte != UInt8(ascii: ":")
            && byte != UInt8(ascii: "&")
    }
}

/// The names of authentication schemes (RFC 9110, section 11.1).
enum AuthenticationScheme {
    static let all = [
        "bearer", "basic", "token", "apikey", "negotiate", "ntlm", "digest", "aws4-hmac-sha256", "signature", "hawk",
        "oauth", "hmac", "dpop", "sharedkey", "scram-sha-256",
    ]
    private static let names = all.map { Array($0.utf8) }
    /// The schemes whose credentials are a list of names and values.
    private static let listed = [
        "digest", "aws4-hmac-sha256", "signature", "hawk", "oauth", "hmac", "scram-sha-256",
    ].map { Array($0.utf8) }

    static func isOne(_ word: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        word.count <= 16 && names.contains { matches($0, word) }
    }

    static func hasParameters(_ word: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        listed.contains { matches($0, word) }
    }

    private static func matches(_ name: [UInt8], _ word: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        name.elementsEqual(word.lazy.map(ASCII.lowercase))
    }
}
