/// Turns a tracked request into the bytes of its event. Used by the delivery thread alone; keeps its buffers.
struct EventEncoder: ~Copyable {
    private let projectToken: String
    private var filter: PrivacyFilter
    private var writer = JSONWriter()
    private var url: [UInt8] = []
    private var hashes: [HeaderNameHash] = []

    init(projectToken: String, privacy: PrivacyMode) {
        self.projectToken = projectToken
        filter = PrivacyFilter(mode: privacy)
    }

    mutating func encode(_ request: TrackedRequest) -> [UInt8] {
        writer.removeAll()
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
        writer.raw(url)
        writer.raw("\",\"ra_session_id\":\"")
        writer.hexadecimal(request.session.high)
        writer.hexadecimal(request.session.low)
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
        hashes.removeAll(keepingCapacity: true)
        for field in fields {
            var name = field.name
            hashes.append(name.withUTF8 { HeaderNameHash($0) })
        }
        var isFirst = true
        for index in fields.indices {
            let (name, value) = fields[index]
            // A name with an underscore could shadow the real one: "X_Real" and "X-Real" have one CGI name.
            guard !hashes[index].hasUnderscore, !name.isEmpty, !isRepetition(index, in: fields) else { continue }
            let isContentType = RequestHeaders.isEqual(name, "content-type")
            if snapshot.style == .cgi, isContentType, value.isEmpty { continue }
            if !isFirst { writer.byte(UInt8(ascii: ",")) }
            isFirst = false
            let isBare =
                snapshot.style == .router && (isContentType || RequestHeaders.isEqual(name, "content-length"))
            writer.raw(isBare ? "\"" : "\"HTTP_")
            var variable = name
            variable.withUTF8 { writer.variableName($0) }
            writer.raw("\":\"")
            let treatment = filter.treatment(ofHeader: name, hash: hashes[index])
            appendValue(value, treatment)
            for later in (index + 1)..<max(index + 1, fields.count)
            where hashes[later] == hashes[index] && HeaderNameHash.areSame(fields[later].name, name) {
                writer.byte(UInt8(ascii: ","))
                appendValue(fields[later].value, treatment)
            }
            writer.byte(UInt8(ascii: "\""))
        }
    }

    /// Whether the name stood before; then its value was written there.
    private func isRepetition(_ index: Int, in fields: [RequestHeaders.Field]) -> Bool {
        for earlier in 0..<index
        where hashes[earlier] == hashes[index] && HeaderNameHash.areSame(fields[earlier].name, fields[index].name) {
            return true
        }
        return false
    }

    private mutating func appendValue(_ value: String, _ treatment: PrivacyFilter.Treatment) {
        switch treatment {
        case .keep: writer.content(value)
        case .replace: writer.content(PrivacyFilter.replacement)
        case .replaceCookieValues:
            var value = value
            value.withUTF8 { filter.appendCookies($0, to: &writer) }
        case .filterURL:
            var value = value
            value.withUTF8 { filter.appendURL($0, to: &writer) }
        }
    }

    // MARK: Cookies

    private mutating func appendRequestCookies(_ snapshot: RequestSnapshot) {
        let cookies = snapshot.cookies?() ?? cookiesInHeader(snapshot)
        for (index, cookie) in cookies.enumerated() {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            writer.string(cookie.name)
            writer.byte(UInt8(ascii: ":"))
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
            if !isFirst { writer.byte(UInt8(ascii: ",")) }
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
            writer.byte(UInt8(ascii: "}"))
        }
    }
}
