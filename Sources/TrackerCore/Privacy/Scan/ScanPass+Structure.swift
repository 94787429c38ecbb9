extension ScanPass {
    /// Handles a byte that ends a name and has no other meaning.
    mutating func delimit(at position: Int) {
        endTokens(at: position)
        endSegment(at: position, isInside: false)
        endName()
    }

    mutating func endName() {
        isInName = false
        if !name.isEmpty { name.reset() }
    }

    /// Hides the segment that ends here if it is a secret after a keyword.
    @inline(__always)
    mutating func endSegment(at position: Int, isInside: Bool) {
        if path.isQuiet { path.restart(at: position &+ 1) } else { endTellingSegment(at: position, isInside: isInside) }
    }

    @inline(never)
    private mutating func endTellingSegment(at position: Int, isInside: Bool) {
        let isWithin = isWithinSegment(position)
        // A token may stand between delimiters, or contain some.
        if let part = path.part(endingAt: position), isCode(part) { path.isSecret = true }
        if !isWithin, let whole = path.whole(endingAt: position), isCode(whole) { path.isSecret = true }
        if path.isSecret { hide(path.wholeStart..<position) }
        if isWithin { path.endPart(at: position) } else { path.endSegment(at: position, isInside: isInside) }
    }

    private mutating func isCode(_ range: Range<Int>) -> Bool {
        let bytes = UnsafeBufferPointer(rebasing: text[range])
        steps &+= bytes.count
        return Randomness.isToken(bytes) || (path.isNumeric && Randomness.isNumericCode(bytes))
    }

    /// Returns whether a delimiter is part of a path segment. In a URL, only `/`, `?` and `#` end one.
    private func isWithinSegment(_ position: Int) -> Bool {
        guard context == .url || hasURL, !isInQuery, position < text.count else { return false }
        switch text[position] {
        case UInt8(ascii: "/"): return false
        case UInt8(ascii: "?"), UInt8(ascii: "#"): return depth(position) > 0
        // These end a URL inside a header.
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"):
            return context == .url
        default: return true
        }
    }

    /// Handles a structural byte.
    ///
    /// - Returns: where to continue.
    mutating func structure(_ byte: UInt8, at position: Int) -> Int {
        switch byte {
        case UInt8(ascii: "="), UInt8(ascii: ":"): return assignment(byte, at: position)
        case UInt8(ascii: "/"):
            slash(at: position)
            return position + 1
        case UInt8(ascii: "@"): return at(position)
        case UInt8(ascii: ">"): return tagEnd(at: position)
        case UInt8(ascii: "+"):
            if position &- tokenStart >= Self.leastToken { endToken(at: position) }
            tokenStart = position + 1
            isInName = false
            return telephone(at: position) ?? position + 1
        case 0x20, 0x09, UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"):
            gap(byte, at: position)
            return position + 1
        case UInt8(ascii: "?"), UInt8(ascii: "&"), UInt8(ascii: "#"):
            delimit(at: position)
            // A password may contain a `&`. In a query, though, only an encoded one does not end the parameter.
            let mayBeInPassword = depth(position) > 0 || !(context == .url || isInQuery)
            if byte != UInt8(ascii: "&") || !mayBeInPassword { closeAuthority(at: position) }
            if byte == UInt8(ascii: "?") { isInQuery = true }
            if depth(position) == 0 { hasValue = false }
            return position + 1
        case UInt8(ascii: "<"):
            delimit(at: position)
            closeAuthority(at: position)
            leaveURL(at: position)
            tag.open()
            return position + 1
        default:
            // A comma, which a password may contain.
            delimit(at: position)
            if isEndOfClause(position) { leaveURL(at: position) }
            return position + 1
        }
    }

    /// Leaves a URL inside another text, and its query.
    private mutating func leaveURL(at position: Int) {
        guard context == .header, depth(position) == 0 else { return }
        isInQuery = false
        hasURL = false
    }

    /// Returns whether a comma ends a clause; a comma inside a URL has more of the URL after it.
    private func isEndOfClause(_ comma: Int) -> Bool {
        guard comma + 1 < text.count else { return true }
        switch text[comma + 1] {
        case 0x20, 0x09, UInt8(ascii: "\""), UInt8(ascii: "'"): return true
        default: return false
        }
    }

    private mutating func closeAuthority(at position: Int) {
        if let open = authority, position >= open.start, depth(position) <= open.depth { authority = nil }
    }

    /// Handles a space, a quote or a backslash: a name may precede it, and its value follow.
    private mutating func gap(_ byte: UInt8, at position: Int) {
        endTokens(at: position)
        endSegment(at: position, isInside: false)
        tag.endName(name.result)
        isInName = false
        // A password may contain an apostrophe.
        if byte != UInt8(ascii: "'") { closeAuthority(at: position) }
        if byte != UInt8(ascii: "\\") { leaveURL(at: position) }
    }

    private mutating func slash(at position: Int) {
        if position &- tokenStart >= Self.leastToken { endToken(at: position) }
        tokenStart = position + 1
        closeAuthority(at: position)
        if isInName, name.result >= .secret { path.tell(isNumeric: false) }
        endSegment(at: position, isInside: true)
        endName()
    }

    /// Handles `=` or `:`, with a name before it.
    private mutating func assignment(_ byte: UInt8, at position: Int) -> Int {
        let meaning = name.result
        endTokens(at: position)
        endSegment(at: position, isInside: byte == UInt8(ascii: ":"))
        let isFirst = context == .url && isInQuery && depth(position) == 0 && !hasValue
        if byte == UInt8(ascii: "="), depth(position) == 0 { hasValue = true }
        let start = nameStart
        endName()
        if byte == UInt8(ascii: ":"), isAuthority(after: position) {
            hasURL = true
            if authority == nil { authority = (position + 3, depth(position)) }
            return position + 1
        }
        guard meaning != .harmless else { return position + 1 }
        let value = ValuePlace(
            start: position + 1, depth: depth(position), isParameter: isFirst && byte == UInt8(ascii: "="),
            quote: start > 0 ? text[start - 1] : 0)
        guard let range = secretValue(value, meaning), !range.isEmpty else { return position + 1 }
        return hide(range)
    }

    private func isAuthority(after colon: Int) -> Bool {
        colon + 2 < text.count && text[colon + 1] == UInt8(ascii: "/") && text[colon + 2] == UInt8(ascii: "/")
    }

    private mutating func tagEnd(at position: Int) -> Int {
        let meaning = tag.close(name.result)
        delimit(at: position)
        closeAuthority(at: position)
        guard meaning >= .secret else { return position + 1 }
        var end = position + 1
        // <![CDATA[ ... ]]>
        if end < text.count, text[end] == UInt8(ascii: "<"), end + 1 < text.count, text[end + 1] == UInt8(ascii: "!") {
            end += 2
        }
        while end < text.count, text[end] != UInt8(ascii: "<") { end += 1 }
        steps &+= end - position
        return end > position + 1 ? hide(position + 1..<end) : position + 1
    }

    /// Handles an `@`: the end of the user and password in a URL (RFC 3986, section 3.2.1), or the middle of an e-mail
    /// address.
    private mutating func at(_ position: Int) -> Int {
        endTokens(at: position)
        endSegment(at: position, isInside: false)
        endName()
        if let open = authority, depth(position) <= open.depth {
            // The password may contain an @; the host follows the last one.
            if position > open.start { hide(open.start..<position) }
            return position + 1
        }
        guard mayHaveAddress(around: position), !kept.contains(.email), let range = mailAddress(around: position) else {
            return position + 1
        }
        return hide(range)
    }

    /// Returns whether both neighbors of an `@` may be part of an address.
    @inline(__always)
    private func mayHaveAddress(around position: Int) -> Bool {
        guard position > 0, position &+ 1 < text.count else { return false }
        let (before, after) = (text[position &- 1], text[position &+ 1])
        return (isLocal(before) || before == UInt8(ascii: "\""))
            && (isLabelByte(after) || after == UInt8(ascii: "["))
    }

    /// Returns whether a word may begin here.
    @inline(__always)
    func isBoundary(_ index: Int) -> Bool { index <= 0 || !ASCII.isLetterOrDigit(text[index &- 1]) }
}
