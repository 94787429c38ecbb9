/// Finds the places in a text that should not leave the host: values after a sensitive name, and what looks like a
/// secret by itself.
///
/// It reads through percent-encoding of any depth, and through the quotes of JSON. When in doubt it hides too much.
struct SecretScanner {
    enum Context {
        case header
        /// The path of a URL and what follows.
        case url
    }

    /// What was found, in order and without overlap.
    private(set) var found: [Range<Int>] = []

    private let starts = SecretStarts()
    /// Names that were found harmless, because requests repeat the same few.
    private var harmless = CleanValues()

    private var position = 0
    /// Where the present run of name characters began; nil outside of one.
    private var nameStart: Int?
    /// The name before a quote or space.
    private var pendingName: Range<Int>?
    /// Where what could be the local part of an e-mail address began.
    private var addressStart = 0
    private var isInQuery = false
    private var wasWordByte = false

    mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>, _ context: Context, _ terms: borrowing SensitiveTerms) {
        found.removeAll(keepingCapacity: true)
        position = 0
        nameStart = nil
        pendingName = nil
        addressStart = 0
        isInQuery = false
        wasWordByte = false
        let text = EncodedText(bytes: bytes)
        while position < bytes.count {
            let byte = bytes[position]
            if ByteClass.isLetterOrDigit(byte) {
                readWord(text)
            } else {
                let character = text.character(at: position)
                if ByteClass.has(character.byte, ByteClass.letterOrDigit | ByteClass.nameMark) {
                    if nameStart == nil { nameStart = position }
                    wasWordByte = ByteClass.isLetterOrDigit(character.byte)
                    position += character.length
                } else {
                    readMark(character, text, context, terms)
                }
            }
        }
    }

    /// Letters and digits as they stand, up to something else.
    private mutating func readWord(_ text: EncodedText) {
        let bytes = text.bytes
        if !wasWordByte, starts.mayBegin(bytes, at: position), let end = SecretShape.end(in: text, at: position) {
            hide(position..<end)
            return
        }
        if nameStart == nil { nameStart = position }
        wasWordByte = true
        var end = position &+ 1
        while end < bytes.count, ByteClass.isLetterOrDigit(bytes[end]) { end &+= 1 }
        position = end
    }

    /// Whether the name before a mark is the name of a secret. Looked at here and not earlier, because few runs of
    /// letters are names.
    private mutating func isNameSensitive(_ text: EncodedText, _ terms: borrowing SensitiveTerms) -> Bool {
        guard let name = nameStart.map({ $0..<position }) ?? pendingName else { return false }
        if harmless.contains(UnsafeBufferPointer(rebasing: text.bytes[name])) { return false }
        var reader = SensitiveTerms.Reader()
        var index = name.lowerBound
        while index < name.upperBound {
            let character = text.character(at: index)
            reader.read(character.byte, terms)
            index += character.length
        }
        if reader.isSensitive(terms) { return true }
        harmless.insert()
        return false
    }

    private mutating func readMark(
        _ character: EncodedText.Character, _ text: EncodedText, _ context: Context, _ terms: borrowing SensitiveTerms
    ) {
        let after = position + character.length
        wasWordByte = false
        switch character.byte {
        case UInt8(ascii: "="), UInt8(ascii: ":"):
            let isSensitive = isNameSensitive(text, terms)
            endName()
            if character.byte == UInt8(ascii: ":"), let end = SecretShape.userInfo(in: text, after: after) {
                hide(end)
            } else if isSensitive, let value = value(in: text, after: after, depth: character.depth, context) {
                hide(value)
            } else {
                addressStart = after
                position = after
            }
            return
        case UInt8(ascii: "@"):
            if let end = SecretShape.domainEnd(in: text, at: after), addressStart < position {
                hide(addressStart..<end)
                return
            }
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), 0x20, 0x09:
            if let nameStart { pendingName = nameStart..<position }
            nameStart = nil
            if character.byte != UInt8(ascii: "\\"), character.depth == 0 { isInQuery = false }
            addressStart = after
            position = after
            return
        case UInt8(ascii: "?"):
            isInQuery = true
        case UInt8(ascii: ","), UInt8(ascii: "<"):
            if context == .header, character.depth == 0 { isInQuery = false }
        default: break
        }
        endName()
        if !ByteClass.has(character.byte, ByteClass.address) { addressStart = after }
        position = after
    }

    private mutating func endName() {
        nameStart = nil
        pendingName = nil
    }

    /// Remembers a place and goes on behind it.
    private mutating func hide(_ range: Range<Int>) {
        if !range.isEmpty { found.append(range) }
        position = range.upperBound
        addressStart = position
        wasWordByte = true
        endName()
    }

    /// The value of a sensitive name; nil if there is none.
    private func value(
        in text: EncodedText, after start: Int, depth: Int, _ context: Context
    ) -> Range<Int>? {
        let end = text.bytes.count
        var position = start
        while position < end, case let next = text.character(at: position), ByteClass.has(next.byte, ByteClass.space) {
            position += next.length
        }
        guard position < end else { return nil }
        var isEscaped = false
        var first = text.character(at: position)
        if first.byte == UInt8(ascii: "\\"), position + first.length < end {
            isEscaped = true
            position += first.length
            first = text.character(at: position)
        }
        switch first.byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            return quoted(in: text, from: position + first.length, quote: first.byte, isEscaped: isEscaped)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            // A whole object under a sensitive name: its own names tell nothing.
            return position..<end
        default:
            return plain(in: text, from: position, depth: depth, context)
        }
    }

    private func quoted(in text: EncodedText, from start: Int, quote: UInt8, isEscaped: Bool) -> Range<Int>? {
        var position = start
        while position < text.bytes.count {
            let next = text.character(at: position)
            if next.byte == quote { return start..<position }
            if next.byte == UInt8(ascii: "\\") {
                if isEscaped { return start..<position }
                position += next.length
                guard position < text.bytes.count else { break }
                position += text.character(at: position).length
            } else {
                position += next.length
            }
        }
        return start..<text.bytes.count
    }

    private func plain(in text: EncodedText, from start: Int, depth: Int, _ context: Context) -> Range<Int>? {
        var position = start
        // "Bearer abc", "Basic abc": the scheme's name is no secret, what follows is.
        var mayHaveScheme = true
        while position < text.bytes.count {
            let next = text.character(at: position)
            guard next.depth <= depth else {
                position += next.length
                continue
            }
            switch next.byte {
            case UInt8(ascii: "&"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"):
                return Self.unlessEmpty(start..<position)
            case UInt8(ascii: "?"), UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: ")"):
                if !isInQuery { return Self.unlessEmpty(start..<position) }
            case UInt8(ascii: "/"):
                if context == .url, !isInQuery { return Self.unlessEmpty(start..<position) }
            case 0x20, 0x09:
                guard mayHaveScheme, SecretShape.isScheme(text, start..<position) else {
                    return Self.unlessEmpty(start..<position)
                }
                mayHaveScheme = false
            default: break
            }
            position += next.length
        }
        return Self.unlessEmpty(start..<position)
    }

    private static func unlessEmpty(_ range: Range<Int>) -> Range<Int>? { range.isEmpty ? nil : range }
}
