/// What the receiver needs to know about an event that it accepts.
package struct EventSummary: Equatable, Sendable {
    /// Where the token's characters are, counted from the line's first byte, without the quotes.
    package var token: Range<Int>
    /// `time_request_received_ns`.
    package var requestTime: Int64
    /// Whether line ends stand between the members.
    package var hasLineEnds: Bool
}

/// Checks an event in one pass over its bytes, without building a tree of it.
///
/// It knows the wire format alone, and gives up on everything unusual: escapes in names, many members, whatever is
/// wrong. `JSONReader` and `EventValidator` then decide, and say why. What it accepts, they accept too; the fuzz target
/// "json" compares the two.
package enum EventScanner {
    /// - Returns: nil if the event is wrong, or too unusual to be judged here.
    package static func scan(_ line: ArraySlice<UInt8>) -> EventSummary? {
        line.withUnsafeBytes { bytes -> EventSummary? in
            var cursor = Cursor(bytes)
            guard let summary = cursor.event() else { return nil }
            return cursor.isASCII || String(validating: line, as: UTF8.self) != nil ? summary : nil
        }
    }
}

/// Reads one event. Every read of a byte is checked against the buffer's length, and the buffer outlives the cursor,
/// which `scan` alone makes.
private struct Cursor {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private(set) var isASCII = true
    private var hasLineEnds = false
    /// More headers or cookies than these are left to the reader that can take any number.
    private static let maximumNames = 64

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func event() -> EventSummary? {
        var token: Range<Int>?
        var data: Int64?
        var seen: UInt32 = 0
        let isWhole = object { cursor, name in
            switch cursor.index(of: name, in: Names.event) {
            case 0 where Self.mark(0, &seen):
                guard let text = cursor.string(), !text.isEmpty, !cursor.hasEscape(text) else { return false }
                token = text
                return true
            case 1 where Self.mark(1, &seen):
                return cursor.string().map { cursor.equals($0, "page_view") } ?? false
            case 2 where Self.mark(2, &seen):
                return cursor.string().map { !$0.isEmpty } ?? false
            case 3 where Self.mark(3, &seen):
                data = cursor.eventData()
                return data != nil
            default: return false
            }
        }
        guard isWhole, let token, let data, seen == 0b1111 else { return nil }
        skipSpace()
        guard position == bytes.count else { return nil }
        return EventSummary(token: token, requestTime: data, hasLineEnds: hasLineEnds)
    }

    private mutating func eventData() -> Int64? {
        var time: Int64?
        var seen: UInt32 = 0
        let isWhole = object { cursor, name in
            let member = cursor.index(of: name, in: Names.data)
            guard let member, Self.mark(UInt32(member), &seen) else { return false }
            switch member {
            case 0: return cursor.word("null") || cursor.string() != nil
            case 1: return cursor.names { $0.string() != nil }
            case 2: return cursor.string().map { cursor.isURL($0) } ?? false
            case 3: return cursor.string().map { cursor.isSession($0) } ?? false
            case 4:
                guard let number = cursor.integer(), number > 0 else { return false }
                time = number
                return true
            case 5: return cursor.integer() != nil
            case 6: return cursor.response()
            case 7: return cursor.word("true")
            default: return cursor.integer() != nil
            }
        }
        // The last two may be missing.
        return isWhole && seen & 0b111_1111 == 0b111_1111 ? time : nil
    }

    private mutating func response() -> Bool {
        var seen: UInt32 = 0
        let isWhole = object { cursor, name in
            switch cursor.index(of: name, in: Names.response) {
            case 0 where Self.mark(0, &seen):
                return cursor.integer().map { (100...599).contains($0) } ?? false
            case 1 where Self.mark(1, &seen):
                return cursor.names { $0.string() != nil || $0.cookie() }
            default: return false
            }
        }
        return isWhole && seen == 0b11
    }

    private mutating func cookie() -> Bool {
        var seen: UInt32 = 0
        let isWhole = object { cursor, name in
            guard let member = cursor.index(of: name, in: Names.cookie), Self.mark(UInt32(member), &seen) else {
                return false
            }
            switch member {
            case 6, 7: return cursor.word("true") || cursor.word("\"\"")
            case 8: return cursor.word("\"\"") || cursor.integer() != nil
            default: return cursor.string() != nil
            }
        }
        return isWhole && seen == 0b1_1111_1111
    }

    /// An object of any names, none of them twice.
    private mutating func names(value: (inout Cursor) -> Bool) -> Bool {
        var known: [Range<Int>] = []
        known.reserveCapacity(16)
        return object { cursor, name in
            guard known.count < Self.maximumNames, !known.contains(where: { cursor.areSame($0, name) }) else {
                return false
            }
            known.append(name)
            return value(&cursor)
        }
    }

    // MARK: JSON

    private mutating func object(member: (inout Cursor, Range<Int>) -> Bool) -> Bool {
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

    /// - Returns: where the string's content is; nil if there is none here, and nothing has been read.
    private mutating func string() -> Range<Int>? {
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

    /// Surrogates are left to the reader that pairs them.
    private mutating func escape() -> Bool {
        guard position + 1 < bytes.count else { return false }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
            return true
        case UInt8(ascii: "u"):
            guard position + 5 < bytes.count else { return false }
            let digits = bytes[(position + 2)...(position + 5)]
            guard digits.allSatisfy(Self.isHexDigit) else { return false }
            let first = bytes[position + 2] | 0x20
            if first == UInt8(ascii: "d"), bytes[position + 3] >= UInt8(ascii: "8") { return false }
            position += 6
            return true
        default: return false
        }
    }

    /// An integer of at least 0 that fits; no number of 19 digits wraps around further than below 0.
    private mutating func integer() -> Int64? {
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

    private mutating func word(_ word: StaticString) -> Bool {
        guard equals(position..<min(bytes.count, position + word.utf8CodeUnitCount), word) else { return false }
        position += word.utf8CodeUnitCount
        return true
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09: break
            case 0x0A, 0x0D: hasLineEnds = true
            default: return
            }
            position += 1
        }
    }

    // MARK: Texts

    private static func mark(_ bit: UInt32, _ seen: inout UInt32) -> Bool {
        defer { seen |= 1 << bit }
        return seen & (1 << bit) == 0
    }

    private func index(of name: Range<Int>, in names: [StaticString]) -> Int? {
        names.firstIndex { equals(name, $0) }
    }

    private func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { bytes[range].elementsEqual($0) }
    }

    private func areSame(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        left.count == right.count && bytes[left].elementsEqual(bytes[right])
    }

    private func hasEscape(_ range: Range<Int>) -> Bool { bytes[range].contains(UInt8(ascii: "\\")) }

    private func isSession(_ range: Range<Int>) -> Bool {
        range.count == 32
            && bytes[range].allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 }
    }

    /// As `EventValidator` has it, for a text without escapes.
    private func isURL(_ range: Range<Int>) -> Bool {
        let text = bytes[range]
        let schemeBytes = text.starts(with: "https://".utf8) ? 8 : text.starts(with: "http://".utf8) ? 7 : 0
        guard schemeBytes > 0, let slash = text.dropFirst(schemeBytes).firstIndex(of: UInt8(ascii: "/")),
            slash > range.lowerBound + schemeBytes
        else { return false }
        var digitsWanted = 0
        for byte in text {
            if digitsWanted > 0 {
                guard Self.isHexDigit(byte) else { return false }
                digitsWanted -= 1
            } else if byte == UInt8(ascii: "%") {
                digitsWanted = 2
            } else if !Self.isURLByte(byte) {
                return false
            }
        }
        return digitsWanted == 0
    }

    private static func isURLByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7F..., UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"),
            UInt8(ascii: "\\"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"),
            UInt8(ascii: "}"):
            false
        default: true
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66
    }
}

/// The members of each object, by their bits in `seen`.
private enum Names {
    static let event: [StaticString] = ["project_token", "event_type", "ra_tracker_version", "event_data"]
    static let data: [StaticString] = [
        "view_name", "header_data", "full_url", "ra_session_id", "time_request_received_ns", "processing_time_ns",
        "response_data", "truncated", "sample_weight",
    ]
    static let response: [StaticString] = ["status_code", "cookies"]
    static let cookie: [StaticString] = [
        "expires", "path", "comment", "domain", "version", "samesite", "secure", "httponly", "max-age",
    ]
}
