extension ScanPass {
    /// Finds an e-mail address around its `@` (RFC 5321, section 4.1.2), also with a quoted local part, non-ASCII
    /// letters (RFC 6531), or an IP address instead of a domain.
    mutating func mailAddress(around at: Int) -> Range<Int>? {
        guard let end = domainEnd(from: at + 1) else { return nil }
        let start = localStart(before: at)
        guard start < at else { return nil }
        // Not an address but a git repository, whose user is always the same.
        if text[start..<at].elementsEqual("git".utf8), end < text.count,
            text[end] == UInt8(ascii: ":") || text[end] == UInt8(ascii: "/")
        {
            return nil
        }
        return start..<end
    }

    private mutating func localStart(before at: Int) -> Int {
        let first = max(scratch.found.last?.upperBound ?? 0, at - 64)
        var start = at
        if at > first, text[at - 1] == UInt8(ascii: "\"") {
            start = at - 1
            while start > first, text[start - 1] != UInt8(ascii: "\"") { start -= 1 }
            steps &+= at - start
            return start > first ? start - 1 : at
        }
        while start > first, Self.isLocal(text[start - 1]) { start -= 1 }
        steps &+= at - start
        return start
    }

    private static func isLocal(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || byte >= 0x80 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "~")
    }

    /// Returns the end of a domain with at least one dot, or of an IP address.
    private mutating func domainEnd(from start: Int) -> Int? {
        if start < text.count, text[start] == UInt8(ascii: "[") { return literalEnd(from: start) }
        // A domain needs a dot, which rejects most candidates.
        var position = start
        while position < text.count, position - start < 255,
            automaton.kinds[Int(text[position])] < ByteKind.nameMark << 5
        {
            position &+= 1
        }
        guard position < text.count, text[position] == UInt8(ascii: ".") else {
            steps &+= position - start
            return nil
        }
        var domain = DomainReader()
        position = start
        while position < text.count, position - start < 255, domain.read(text[position], at: position) { position += 1 }
        steps &+= position - start
        return domain.end(text, from: start)
    }

    /// Returns the end of `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    private mutating func literalEnd(from start: Int) -> Int? {
        var position = start + 1
        while position < text.count, position - start < 50, text[position] != UInt8(ascii: "]") {
            let byte = text[position]
            guard ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":") else {
                return nil
            }
            position += 1
        }
        steps &+= position - start
        guard position < text.count, text[position] == UInt8(ascii: "]"), position - start > 3 else { return nil }
        return position + 1
    }
}

/// Reads the domain of an e-mail address.
private struct DomainReader {
    private var labelStart: Int?
    private var labels = 0
    private var areDigits = true
    private var isLetters = true
    /// The end of the longest valid domain so far.
    private var lastEnd: Int?
    private var topStart = 0
    private var position = 0

    mutating func read(_ byte: UInt8, at position: Int) -> Bool {
        self.position = position + 1
        if byte == UInt8(ascii: ".") {
            guard labelStart != nil else { return false }
            labels += 1
            labelStart = nil
            isLetters = true
            return true
        }
        guard ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte >= 0x80 else { return false }
        if labelStart == nil { labelStart = position }
        if !ASCII.isDigit(byte) { areDigits = false }
        if ASCII.isDigit(byte) || byte == UInt8(ascii: "-") { isLetters = false }
        let start = labelStart ?? position
        // A top-level domain consists of letters, or is an IDN in its ASCII form.
        if labels > 0, position - start >= 1, isLetters || byte >= 0x80 {
            lastEnd = position + 1
            topStart = start
        }
        if labels > 0, !isLetters, position - start >= 5 {
            lastEnd = position + 1
            topStart = start
        }
        return true
    }

    func end(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        if areDigits, labels == 3, labelStart != nil {
            // An IPv4 address; version numbers have fewer parts.
            return text[min(position, text.count) - 1] == UInt8(ascii: ".") ? nil : position
        }
        guard let lastEnd else { return nil }
        let top = text[topStart..<lastEnd]
        if !top.allSatisfy({ ASCII.isLetter($0) || $0 >= 0x80 }) {
            guard top.starts(with: "xn--".utf8) else { return nil }
        }
        return Self.isFile(text, start, topStart, top) ? nil : lastEnd
    }

    private static let extensions = [
        "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "mjs", "json", "html", "woff",
    ].map { Array($0.utf8) }

    /// Returns whether the domain is the rest of a file name, such as `logo@2x.png` or `file@latest.js`.
    private static func isFile(
        _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ topStart: Int, _ top: Slice<UnsafeBufferPointer<UInt8>>
    ) -> Bool {
        let isExtension = extensions.contains { $0.elementsEqual(top.lazy.map { $0 | 0x20 }) }
        if isExtension { return true }
        // A pixel density, such as "2x".
        let label = text[start..<max(start, topStart - 1)]
        return label.count <= 3 && label.first.map(ASCII.isDigit) == true && label.last.map { $0 | 0x20 } == 0x78
    }
}
