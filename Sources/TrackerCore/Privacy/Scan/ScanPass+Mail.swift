extension ScanPass {
    /// Finds an e-mail address around its `@` (RFC 5321, section 4.1.2), also with a quoted local part, non-ASCII
    /// letters (RFC 6531), or an IP address instead of a domain.
    mutating func mailAddress(around at: Int) -> Range<Int>? {
        guard let end = domainEnd(from: at + 1) else { return nil }
        let start = localStart(before: at)
        guard start < at else { return nil }
        // Not an address but a Git repository, whose user is always the same.
        if at - start == 3, text[start..<at].elementsEqual("git".utf8), end < text.count,
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
        while start > first, isLocal(text[start - 1]) { start -= 1 }
        steps &+= at - start
        return start
    }

    /// Whether a byte may be part of an address before its `@`.
    @inline(__always)
    func isLocal(_ byte: UInt8) -> Bool {
        isLabelByte(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "~")
    }

    /// Whether a byte may be part of a host name's label.
    @inline(__always)
    func isLabelByte(_ byte: UInt8) -> Bool { automaton.kinds[Int(byte)] < ByteKind.firstEntryBeyondLabels }

    /// Returns the end of a domain with at least one dot, or of an IP address.
    private mutating func domainEnd(from start: Int) -> Int? {
        if start < text.count, text[start] == UInt8(ascii: "[") { return literalEnd(from: start) }
        let limit = min(text.count, start + 255)
        // A domain needs a dot, which rejects most candidates.
        var position = start
        while position < limit, isLabelByte(text[position]) { position &+= 1 }
        guard position < limit, text[position] == UInt8(ascii: ".") else {
            steps &+= position - start
            return nil
        }
        position = start
        var dots = 0
        var areDigits = true
        var top: (label: DomainLabel, end: Int)?
        while true {
            let label = DomainLabel(text, position..<limit)
            position = label.end
            areDigits = areDigits && label.isNumber
            if label.end == label.start { break }
            if dots > 0, let end = label.topLevelEnd { top = (label, end) }
            guard position < limit, text[position] == UInt8(ascii: ".") else { break }
            dots += 1
            position += 1
        }
        steps &+= position - start
        // An IPv4 address; version numbers have fewer parts.
        if areDigits, dots == 3 { return position }
        return top.flatMap { isTopLevel($0.label, $0.end, of: start) ? $0.end : nil }
    }

    /// Whether a label may be a top-level domain, and is not the end of a file name such as `logo@2x.png`.
    private func isTopLevel(_ label: DomainLabel, _ end: Int, of domain: Int) -> Bool {
        if end > label.letters, !text[label.start..<end].starts(with: "xn--".utf8) { return false }
        return !(label.isASCII && FileExtension.isOne(text[label.start..<end]))
            && !isPixelDensity(domain..<label.start - 1)
    }

    /// Whether a label is a pixel density, such as "2x".
    private func isPixelDensity(_ range: Range<Int>) -> Bool {
        guard range.count <= 3, let first = range.first, let last = range.last else { return false }
        return ASCII.isDigit(text[first]) && text[last] | 0x20 == UInt8(ascii: "x")
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

/// A label of a domain name, up to a dot or a byte that can't be in a domain name.
private struct DomainLabel {
    let start: Int
    private(set) var end: Int
    /// The end of the letters that it begins with; non-ASCII bytes count as letters.
    private(set) var letters: Int
    /// Whether it consists of digits.
    let isNumber: Bool
    /// The position after its last non-ASCII byte; ``start`` if there is none.
    private var wideEnd: Int

    var isASCII: Bool { wideEnd == start }

    init(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        start = range.lowerBound
        wideEnd = start
        var position = start
        while position < range.upperBound, ASCII.isLetter(text[position]) || text[position] >= 0x80 {
            if text[position] >= 0x80 { wideEnd = position &+ 1 }
            position &+= 1
        }
        letters = position
        var digits = 0
        while position < range.upperBound {
            let byte = text[position]
            if byte >= 0x80 {
                wideEnd = position &+ 1
            } else if !ASCII.isLetterOrDigit(byte), byte != UInt8(ascii: "-") {
                break
            }
            if ASCII.isDigit(byte) { digits &+= 1 }
            position &+= 1
        }
        end = position
        isNumber = digits == end - start && end > start
    }

    /// Where a top-level domain would end: it consists of letters, or is an IDN in its ASCII form, which is longer.
    var topLevelEnd: Int? {
        if letters == end || end - start >= 6 { return end - start >= 2 ? end : nil }
        let end = max(letters, wideEnd)
        return end - start >= 2 ? end : nil
    }
}

/// The extensions of files whose names look like addresses.
private enum FileExtension {
    private static let known = [
        "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "mjs", "json", "html", "woff",
    ].map { packed($0.utf8) }

    static func isOne(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        text.count >= 2 && text.count <= 5 && known.contains(packed(text))
    }

    /// Up to eight letters as one number, in lowercase.
    @inline(__always)
    private static func packed(_ text: some Sequence<UInt8>) -> UInt64 {
        text.reduce(0) { $0 << 8 | UInt64($1 | 0x20) }
    }
}
