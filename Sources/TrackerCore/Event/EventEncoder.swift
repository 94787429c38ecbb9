/// Turns a tracked request into the bytes of its event. Used by the delivery thread alone; keeps its buffers.
struct EventEncoder {
    private let projectToken: String
    private var filter: PrivacyFilter
    private var writer = JSONWriter()
    private var url: [UInt8] = []

    init(projectToken: String, privacy: PrivacyMode) {
        self.projectToken = projectToken
        filter = PrivacyFilter(mode: privacy)
        writer.bytes.reserveCapacity(4096)
    }

    mutating func encode(_ request: TrackedRequest) -> [UInt8] {
        writer.bytes.removeAll(keepingCapacity: true)
        writer.raw("{\"project_token\":")
        writer.string(projectToken)
        writer.raw(",\"event_type\":\"page_view\",\"ra_tracker_version\":\"swift-v")
        writer.content(TrackerVersion.current)
        writer.raw("\",\"event_data\":{\"view_name\":")
        if let viewName = request.viewName { writer.string(viewName) } else { writer.raw("null") }
        writer.raw(",\"header_data\":{")
        appendHeaders(request.snapshot)
        writer.raw("},\"full_url\":\"")
        url.removeAll(keepingCapacity: true)
        FullURL.append(request.snapshot, filter: filter, to: &url)
        // The URL is ASCII without quotes and backslashes; they are percent-encoded in it.
        writer.bytes.append(contentsOf: url)
        writer.raw("\",\"ra_session_id\":\"")
        request.session.append(to: &writer.bytes)
        writer.raw("\",\"time_request_received_ns\":")
        writer.integer(request.receivedAt)
        writer.raw(",\"processing_time_ns\":")
        writer.integer(request.processingNanoseconds)
        writer.raw(",\"response_data\":{\"status_code\":")
        writer.integer(request.status)
        writer.raw(",\"cookies\":{")
        switch request.snapshot.style {
        case .router: appendResponseCookies(request.responseCookies)
        case .cgi: appendRequestCookies(request.snapshot)
        }
        writer.raw("}}}}")
        return writer.bytes
    }

    // MARK: Headers

    private mutating func appendHeaders(_ snapshot: RequestSnapshot) {
        let fields = snapshot.headers.fields
        var isFirst = true
        for (index, field) in fields.enumerated() {
            // A name with an underscore could shadow the real one: "X_Real" and "X-Real" have one CGI name.
            guard !field.name.isEmpty, !field.name.utf8.contains(UInt8(ascii: "_")),
                !fields[..<index].contains(where: { Self.haveSameName($0.name, field.name) })
            else { continue }
            let later = fields[(index + 1)...].filter { Self.haveSameName($0.name, field.name) }
            if snapshot.style == .cgi, field.value.isEmpty, later.isEmpty,
                RequestHeaders.isEqual(field.name, "content-type")
            {
                continue
            }
            if !isFirst { writer.raw(",") }
            isFirst = false
            appendName(field.name, style: snapshot.style)
            writer.raw(":\"")
            let treatment = filter.treatment(ofHeader: field.name)
            appendValue(field.value, treatment)
            for repeated in later {
                writer.raw(",")
                appendValue(repeated.value, treatment)
            }
            writer.raw("\"")
        }
    }

    private mutating func appendValue(_ value: String, _ treatment: PrivacyFilter.Treatment) {
        switch treatment {
        case .keep: writer.content(value)
        case .replace: writer.content(PrivacyFilter.replacement)
        case .replaceCookieValues: writer.content(filter.cookieHeader(value))
        case .filterURL: writer.content(filter.url(value))
        }
    }

    /// The CGI name of a header (RFC 3875, section 4.1.18): upper case, dashes as underscores, `HTTP_` in front.
    private mutating func appendName(_ name: String, style: EventStyle) {
        let isBare =
            style == .router
            && (RequestHeaders.isEqual(name, "content-type") || RequestHeaders.isEqual(name, "content-length"))
        writer.raw(isBare ? "\"" : "\"HTTP_")
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): writer.bytes.append(byte & 0xDF)
            case UInt8(ascii: "-"): writer.bytes.append(UInt8(ascii: "_"))
            case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"):
                // No server lets such bytes through in a name (RFC 9110, section 5.6.2); they must not break the JSON.
                writer.bytes.append(UInt8(ascii: "?"))
            default: writer.bytes.append(byte)
            }
        }
        writer.raw("\"")
    }

    private static func haveSameName(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        for (one, other) in zip(left.utf8, right.utf8) where one != other {
            guard one ^ other == 0x20, one | 0x20 >= UInt8(ascii: "a"), one | 0x20 <= UInt8(ascii: "z") else {
                return false
            }
        }
        return true
    }

    // MARK: Cookies

    private mutating func appendRequestCookies(_ snapshot: RequestSnapshot) {
        let cookies = snapshot.cookies ?? cookiesInHeader(snapshot)
        for (index, cookie) in cookies.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.string(cookie.name)
            writer.raw(":")
            writer.string(filter.hidesCookieValues ? PrivacyFilter.replacement : cookie.value)
        }
    }

    private func cookiesInHeader(_ snapshot: RequestSnapshot) -> [(name: String, value: String)] {
        let values = snapshot.headers.fields.filter { RequestHeaders.isEqual($0.name, "cookie") }.map(\.value)
        return RequestCookies.parse(values.joined(separator: ";"))
    }

    private mutating func appendResponseCookies(_ values: [String]) {
        guard !values.isEmpty else { return }
        let cookies = values.compactMap(SetCookieAttributes.init)
        var isFirst = true
        for (index, cookie) in cookies.enumerated() {
            // The last of a name is the one that the visitor keeps.
            guard !cookies[(index + 1)...].contains(where: { $0.name == cookie.name }) else { continue }
            if !isFirst { writer.raw(",") }
            isFirst = false
            writer.string(cookie.name)
            writer.raw(":{\"expires\":")
            writer.string(cookie.expires)
            writer.raw(",\"path\":")
            writer.string(cookie.path)
            writer.raw(",\"comment\":")
            writer.string(cookie.comment)
            writer.raw(",\"domain\":")
            writer.string(cookie.domain)
            writer.raw(",\"max-age\":")
            if let age = cookie.maximumAge { writer.integer(age) } else { writer.raw("\"\"") }
            writer.raw(cookie.isSecure ? ",\"secure\":true" : ",\"secure\":\"\"")
            writer.raw(cookie.isHTTPOnly ? ",\"httponly\":true" : ",\"httponly\":\"\"")
            writer.raw(",\"version\":")
            writer.string(cookie.version)
            writer.raw(",\"samesite\":")
            writer.string(cookie.sameSite)
            writer.raw("}")
        }
    }
}
