extension ScanPass {
    /// Returns whether a key may begin with a prefix whose bytes are not compared yet. Rejects most candidates,
    /// including those already known not to be keys.
    @inline(__always)
    func mayBeKey(_ number: UInt16, prefix: Range<Int>) -> Bool {
        let key = automaton.key(number)
        return (isBoundary(prefix.lowerBound) || key.pointee.lead > 0) && !isKnownNoKey(key, from: prefix.upperBound)
            && mayHold(key, from: prefix.upperBound)
    }

    /// Returns whether the characters that a key needs have been read already and don't form a key.
    @inline(__always)
    private func isKnownNoKey(_ key: UnsafePointer<KeyRule>, from start: Int) -> Bool {
        let index = Int(key.pointee.alphabet.rawValue)
        guard index < scratch.runs.count, scratch.runs[index].start <= start, start < scratch.runs[index].end else {
            return false
        }
        if scratch.runs[index].end &- start < key.pointee.least { return true }
        switch key.pointee.check {
        case .random: return !scratch.runs[index].isRandom(from: start)
        case .hasDigit: return scratch.runs[index].lastDigit < start && !scratch.runs[index].isRandom(from: start)
        case .none, .crc32: return false
        }
    }

    /// Returns the range of a key that begins with a prefix; nil if what follows is not a key.
    @inline(never)
    mutating func range(of number: UInt16, prefix: Range<Int>) -> Range<Int>? {
        let key = automaton.key(number).pointee
        let start = prefix.lowerBound - key.lead
        guard start >= 0 else { return nil }
        if key.lead > 0 {
            for index in start..<prefix.lowerBound
            where automaton.alphabets[Int(text[index])] & key.bit == 0 { return nil }
            steps &+= key.lead
        }
        let index = readRun(of: key.alphabet, at: prefix.upperBound)
        let length = scratch.runs[index].end - prefix.upperBound
        guard length >= key.least, length <= key.most else { return nil }
        let run = scratch.runs[index]
        guard passes(key.check, run, from: prefix.upperBound) else { return nil }
        // Leave out the period that ends a sentence.
        let end = text[run.end - 1] == UInt8(ascii: ".") ? run.end - 1 : run.end
        return start..<end
    }

    /// Returns whether the first eight, the middle and the last of the characters that a key needs are in its alphabet.
    /// A quick check that rejects most candidates.
    @inline(__always)
    private func mayHold(_ key: UnsafePointer<KeyRule>, from start: Int) -> Bool {
        let least = key.pointee.least
        guard least > 0 else { return true }
        guard start &+ least <= text.count else { return false }
        let bit = key.pointee.bit
        for position in start..<start &+ min(8, least) where automaton.alphabets[Int(text[position])] & bit == 0 {
            return false
        }
        return automaton.alphabets[Int(text[start &+ least / 2])] & bit != 0
            && automaton.alphabets[Int(text[start &+ least &- 1])] & bit != 0
    }

    private mutating func passes(_ check: SecretFormat.Check, _ run: TokenRun, from start: Int) -> Bool {
        switch check {
        case .none: return true
        case .hasDigit: return run.lastDigit >= start || run.isRandom(from: start)
        case .random: return run.isRandom(from: start)
        case .crc32:
            if run.isRandom(from: start) { return true }
            steps &+= 36
            return Checksum.isChecked(UnsafeBufferPointer(rebasing: text[start..<start + 36]))
        }
    }

    /// Finds a JSON web token: header and payload are JSON objects in base64url, and the signature may be empty.
    mutating func webToken(from start: Int) -> Range<Int>? {
        let header = run(of: .base64URL, at: start).end
        guard header - start >= 10 else { return nil }
        if header < text.count, text[header] == UInt8(ascii: ".") {
            return start..<run(of: .dotted, at: start).end
        }
        // Without a dot it may be any JSON in base64; long text is hidden anyway.
        return header - start >= 40 ? start..<header : nil
    }

    /// Returns the end of a bearer token; words of prose have neither digits nor capitals inside.
    mutating func bearerToken(after start: Int) -> Int? {
        let run = run(of: .token, at: start)
        guard run.end - start >= 6 else { return nil }
        return run.lastDigit >= start || run.lastCapital > start || run.end - start >= 32 ? run.end : nil
    }

    /// Returns the end of base64 of `user:password` (RFC 7617). A colon in the first 48 bytes is enough.
    mutating func basicCredentials(after start: Int) -> Int? {
        guard start >= max(decodedEnd, basicEnd) else { return nil }
        let run = run(of: .token, at: start)
        guard run.end - start >= 4 else { return nil }
        let end = min(run.end, start + 64)
        basicEnd = end
        var decoder = Base64Decoder()
        for index in start..<end {
            steps &+= 1
            let value = automaton.base64[Int(text[index])]
            guard value < Base64Decoder.none else { break }
            if let byte = decoder.add(value) {
                if byte == UInt8(ascii: ":") { return run.end }
                if byte < 0x20 { return nil }
            }
        }
        return nil
    }

    /// Finds a private key in PEM (RFC 7468) or OpenSSH's format, up to and including its end line, or to the end of
    /// the text.
    mutating func privateKey(from start: Int, label: Int) -> Range<Int>? {
        // A label has no hyphens, so this stops at the next `-----BEGIN`, which is checked by itself.
        var position = label
        var isPrivate = false
        while position < text.count, position - label < 48, Self.isOfLabel(text[position]) {
            if text[position] == UInt8(ascii: "P"), has("PRIVATE", at: position) { isPrivate = true }
            position += 1
        }
        steps &+= position - label
        guard isPrivate else { return nil }
        while position < text.count {
            if text[position] == UInt8(ascii: "-"), has("-----END", at: position) {
                position += 8
                while position < text.count, text[position] != UInt8(ascii: "-") { position += 1 }
                while position < text.count, text[position] == UInt8(ascii: "-") { position += 1 }
                break
            }
            position += 1
        }
        steps &+= position - start
        return start..<position
    }

    /// Returns whether a byte is a letter, a digit or a space, which forms write as `+` or `_`.
    private static func isOfLabel(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || byte == 0x20 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "_")
    }

    private func has(_ word: StaticString, at position: Int) -> Bool {
        word.withUTF8Buffer { word in
            text.count - position >= word.count && text[position..<position + word.count].elementsEqual(word)
        }
    }

    /// Ends a token, and hides it if it is a secret without a known prefix.
    mutating func endToken(at end: Int) {
        let range = tokenStart..<end
        if let hidden = secretWithoutPrefix(range) ?? encodedSecret(range) ?? awsSecret(endingAt: end) { hide(hidden) }
    }

    private mutating func secretWithoutPrefix(_ range: Range<Int>) -> Range<Int>? {
        switch range.count {
        case 24...28 where range.upperBound < text.count && text[range.upperBound] == UInt8(ascii: "."):
            return discordToken(range)
        case 50: return mailgunKey(range)
        default: return nil
        }
    }

    /// Finds a Discord token: a user id in base64, a time and a check of 24 to 28, 6 and 27 to 38 characters.
    private mutating func discordToken(_ first: Range<Int>) -> Range<Int>? {
        guard let letter = text[first].first, letter >= UInt8(ascii: "M"), letter <= UInt8(ascii: "O") else {
            return nil
        }
        let time = run(of: .base64URL, at: first.upperBound + 1)
        guard time.end - first.upperBound == 7, time.end < text.count, text[time.end] == UInt8(ascii: ".") else {
            return nil
        }
        let check = run(of: .base64URL, at: time.end + 1)
        return (28...39).contains(check.end - time.end) ? first.lowerBound..<check.end : nil
    }

    /// Finds a Mailgun key: 32, 8 and 8 hex digits.
    private mutating func mailgunKey(_ range: Range<Int>) -> Range<Int>? {
        steps &+= range.count
        var hasDigit = false
        for (offset, byte) in text[range].enumerated() {
            if offset == 32 || offset == 41 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                guard automaton.alphabets[Int(byte)] & Alphabet.hex.bit != 0 else { return nil }
                hasDigit = hasDigit || ASCII.isDigit(byte)
            }
        }
        return hasDigit ? range : nil
    }

    /// Finds an AWS secret key, which has no prefix: forty characters of base64 with both cases and digits, which
    /// alternate more often than in words. Hex hashes have one case.
    mutating func awsSecret(endingAt end: Int) -> Range<Int>? {
        guard end - base64Start >= 40 else { return nil }
        if end < text.count, automaton.alphabets[Int(text[end])] & Alphabet.base64.bit != 0 { return nil }
        var start = end
        while start > 0, end - start <= 41, automaton.alphabets[Int(text[start - 1])] & Alphabet.base64.bit != 0 {
            start -= 1
        }
        steps &+= end - start
        if end - start == 41, text[start] == UInt8(ascii: "/") { start += 1 }
        guard end - start == 40 else { return nil }
        var capitals = 0
        var small = 0
        var digits = 0
        var changes = 0
        var last = 0
        for byte in text[start..<end] {
            let kind = ASCII.isDigit(byte) ? 1 : ASCII.isCapital(byte) ? 2 : ASCII.isLetter(byte) ? 3 : 4
            if kind == 1 { digits += 1 } else if kind == 2 { capitals += 1 } else if kind == 3 { small += 1 }
            if kind != last { changes += 1 }
            last = kind
        }
        return capitals >= 6 && small >= 6 && digits >= 1 && changes >= 18 ? start..<end : nil
    }
}
