import TrackerCore

/// Validates an event against the wire format, and says what is wrong with it.
package enum EventValidator {
    /// - Returns: the fault, beginning with the member's name; nil if the event is valid.
    package static func fault(in event: JSONValue) -> String? {
        guard case .object(let members) = event else { return "the event is not an object" }
        if let fault = unexpected(
            members, allowed: ["project_token", "event_type", "ra_tracker_version", "event_data"])
        {
            return fault
        }
        guard case .string(let token)? = event["project_token"], !token.isEmpty else {
            return "project_token: not a string, or empty"
        }
        guard event["event_type"] == .string("page_view") else { return "event_type: not \"page_view\"" }
        guard case .string(let version)? = event["ra_tracker_version"], !version.isEmpty else {
            return "ra_tracker_version: not a string, or empty"
        }
        guard let data = event["event_data"], case .object(let dataMembers) = data else {
            return "event_data: not an object"
        }
        return fault(inData: data, dataMembers).map { "event_data.\($0)" }
    }

    private static let dataNames = [
        "view_name", "header_data", "full_url", "ra_session_id", "time_request_received_ns", "processing_time_ns",
        "response_data",
    ]

    private static func fault(inData data: JSONValue, _ members: [JSONValue.Member]) -> String? {
        if let fault = unexpected(members, allowed: dataNames + ["truncated", "sample_weight"]) { return fault }
        switch data["view_name"] {
        case .string, .null: break
        default: return "view_name: neither a string nor null"
        }
        guard case .object(let headers)? = data["header_data"] else { return "header_data: not an object" }
        for header in headers {
            guard case .string = header.value else { return "header_data.\(header.name): not a string" }
        }
        guard case .string(let url)? = data["full_url"], isURL(url.utf8) else {
            return "full_url: not an absolute http or https URL of allowed characters without a fragment"
        }
        guard case .string(let session)? = data["ra_session_id"], isSession(session) else {
            return "ra_session_id: not 32 lowercase hex digits"
        }
        guard case .integer(let received)? = data["time_request_received_ns"], received > 0 else {
            return "time_request_received_ns: not an integer above 0"
        }
        guard case .integer(let processing)? = data["processing_time_ns"], processing >= 0 else {
            return "processing_time_ns: not an integer of at least 0"
        }
        if let truncated = data["truncated"], truncated != .boolean(true) { return "truncated: present but not true" }
        if let weight = data["sample_weight"] {
            switch weight {
            case .integer, .number: break
            default: return "sample_weight: not a number"
            }
        }
        guard let response = data["response_data"], case .object(let responseMembers) = response else {
            return "response_data: not an object"
        }
        return fault(inResponse: response, responseMembers).map { "response_data.\($0)" }
    }

    private static func fault(inResponse response: JSONValue, _ members: [JSONValue.Member]) -> String? {
        if let fault = unexpected(members, allowed: ["status_code", "cookies"]) { return fault }
        guard case .integer(let status)? = response["status_code"], (100...599).contains(status) else {
            return "status_code: not an integer from 100 to 599"
        }
        guard case .object(let cookies)? = response["cookies"] else { return "cookies: not an object" }
        for cookie in cookies {
            switch cookie.value {
            case .string: continue
            case .object(let attributes):
                if let fault = fault(inAttributes: cookie.value, attributes) {
                    return "cookies.\(cookie.name).\(fault)"
                }
            default: return "cookies.\(cookie.name): neither a string nor an object"
            }
        }
        return nil
    }

    private static let textAttributes = ["expires", "path", "comment", "domain", "version", "samesite"]

    private static func fault(inAttributes cookie: JSONValue, _ members: [JSONValue.Member]) -> String? {
        if let fault = unexpected(members, allowed: textAttributes + ["max-age", "secure", "httponly"]) {
            return fault
        }
        for name in textAttributes {
            guard case .string? = cookie[name] else { return "\(name): not a string" }
        }
        for name in ["secure", "httponly"] {
            guard cookie[name] == .boolean(true) || cookie[name] == .string("") else {
                return "\(name): neither true nor \"\""
            }
        }
        switch cookie["max-age"] {
        case .integer, .string(""): return nil
        default: return "max-age: neither an integer nor \"\""
        }
    }

    private static func unexpected(_ members: [JSONValue.Member], allowed: [String]) -> String? {
        members.first { !allowed.contains($0.name) }.map { "\($0.name): not a member of an event" }
    }

    private static func isSession(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy(ASCII.isLowercaseHexDigit)
    }

    /// Whether a text is a URL in the form that events use: absolute, with a host, percent-encoded, without a fragment.
    static func isURL(_ text: some Collection<UInt8>) -> Bool {
        let schemeBytes = text.starts(with: "https://".utf8) ? 8 : text.starts(with: "http://".utf8) ? 7 : 0
        guard schemeBytes > 0, let host = text.dropFirst(schemeBytes).first, host != UInt8(ascii: "/"),
            text.dropFirst(schemeBytes).contains(UInt8(ascii: "/"))
        else { return false }
        var digitsWanted = 0
        for byte in text {
            if digitsWanted > 0 {
                guard ASCII.isHexDigit(byte) else { return false }
                digitsWanted -= 1
            } else if byte == UInt8(ascii: "%") {
                digitsWanted = 2
            } else if !isURLByte(byte) {
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
}
