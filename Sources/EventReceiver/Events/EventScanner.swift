/// What the receiver needs to know about an accepted event.
package struct EventSummary: Equatable, Sendable {
    /// The range of the token's characters, without the quotes, relative to the line's first byte.
    package var token: Range<Int>
    /// `time_request_received_ns`.
    package var requestTime: Int64
    /// Whether there are line breaks between the members.
    package var hasLineEnds: Bool
}

/// Validates an event in one pass over its bytes, without building a tree.
///
/// It knows only the wire format and gives up on anything unusual: escapes in names, many members, any error.
/// `JSONReader` and `EventValidator` then decide, and give the reason. What it accepts, they accept too; the fuzz
/// target "json" compares the two.
package enum EventScanner {
    /// - Returns: nil if the event is invalid, or too unusual to be decided here.
    package static func scan(_ line: ArraySlice<UInt8>) -> EventSummary? {
        line.withUnsafeBytes { bytes -> EventSummary? in
            var cursor = EventCursor(bytes)
            guard let summary = cursor.event() else { return nil }
            return cursor.isASCII || String(validating: line, as: UTF8.self) != nil ? summary : nil
        }
    }
}

/// Parsing of the wire format.
extension EventCursor {
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
        // The last two are optional.
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

    /// Parses an object of arbitrary names without duplicates.
    private mutating func names(value: (inout EventCursor) -> Bool) -> Bool {
        var known: [Range<Int>] = []
        known.reserveCapacity(16)
        return object { cursor, name in
            guard known.count < Self.maximumNames, !known.contains(where: { cursor.areSame($0, name) })
            else {
                return false
            }
            known.append(name)
            return value(&cursor)
        }
    }
}

/// The members of each object; the index is the bit in `seen`.
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
