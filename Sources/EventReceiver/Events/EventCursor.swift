import TrackerCore

/// Parses one event. Every access to a byte is checked against the buffer's length, and the buffer outlives the cursor,
/// which only `scan` creates.
struct EventCursor {
    let bytes: UnsafeRawBufferPointer
    private(set) var position = 0
    private(set) var isASCII = true
    private(set) var hasLineEnds = false
    /// The most headers or cookies parsed here; events with more go to `JSONReader`, which has no such limit.
    static let maximumNames = 64

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    // MARK: JSON

    mutating func object(member: (inout EventCursor, Range<Int>) -> Bool) -> Bool {
        skipSpace()
        guard take(UInt8(ascii: "{")) else { return false }
        skipSpace()
        if take(UInt8(ascii: "}")) { return true }
        while true {
            skipSpace()
            guard let name = string(), !hasEscape(name) else { return false }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { return false }
            skipSpace()
            guard member(&self, name) else { return false }
            skipSpace()
            if take(UInt8(ascii: "}")) { return true }
            guard take(UInt8(ascii: ",")) else { return false }
        }
    }

    /// - Returns: the range of the string's content; nil if it is malformed, or if none begins here: then nothing is
    ///   consumed.
    mutating func string() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return start..<(position - 1)
            case UInt8(ascii: "\\"):
                guard escape() else { return nil }
            case 0..<0x20: return nil
            default:
                if byte >= 0x80 { isASCII = false }
                position += 1
            }
        }
        return nil
    }

    /// Consumes an escape sequence. Surrogates are left to `JSONReader`, which pairs them.
    mutating func escape() -> Bool {
        guard position + 1 < bytes.count else { return false }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
            return true
        case UInt8(ascii: "u"):
            guard position + 5 < bytes.count else { return false }
            let digits = bytes[(position + 2)...(position + 5)]
            guard digits.allSatisfy(ASCII.isHexDigit) else { return false }
            let first = bytes[position + 2] | 0x20
            if first == UInt8(ascii: "d"), bytes[position + 3] >= UInt8(ascii: "8") { return false }
            position += 6
            return true
        default: return false
        }
    }

    /// Parses a non-negative `Int64`. A number of up to 19 digits is below 2^64, so an overflow shows as a negative
    /// value.
    mutating func integer() -> Int64? {
        let start = position
        var value: Int64 = 0
        while position < bytes.count, case let digit = bytes[position] &- 0x30, digit < 10, position - start < 20 {
            value = value &* 10 &+ Int64(digit)
            position += 1
        }
        let count = position - start
        guard count > 0, count < 20, value >= 0, count == 1 || bytes[start] != 0x30, position < bytes.count else {
            return nil
        }
        switch bytes[position] {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return nil
        default: return value
        }
    }

    mutating func word(_ word: StaticString) -> Bool {
        guard equals(position..<min(bytes.count, position + word.utf8CodeUnitCount), word) else { return false }
        position += word.utf8CodeUnitCount
        return true
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09: break
            case 0x0A, 0x0D: hasLineEnds = true
            default: return
            }
            position += 1
        }
    }

    // MARK: Text

    static func mark(_ bit: UInt32, _ seen: inout UInt32) -> Bool {
        defer { seen |= 1 << bit }
        return seen & (1 << bit) == 0
    }

    func index(of name: Range<Int>, in names: [StaticString]) -> Int? {
        names.firstIndex { equals(name, $0) }
    }

    func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { bytes[range].elementsEqual($0) }
    }

    func areSame(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        left.count == right.count && bytes[left].elementsEqual(bytes[right])
    }

    func hasEscape(_ range: Range<Int>) -> Bool { bytes[range].contains(UInt8(ascii: "\\")) }

    func isSession(_ range: Range<Int>) -> Bool {
        range.count == 32 && bytes[range].allSatisfy(ASCII.isLowercaseHexDigit)
    }

    /// - Parameter range: a text without escapes.
    func isURL(_ range: Range<Int>) -> Bool { EventValidator.isURL(bytes[range]) }
}
