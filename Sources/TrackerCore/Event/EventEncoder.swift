/// Turns a tracked request into the bytes of its event. Used by the delivery thread alone; keeps its buffers.
struct EventEncoder: ~Copyable {
    private let projectToken: String
    private var filter: PrivacyFilter
    private var writer = JSONWriter()
    private var url: [UInt8] = []
    private var hashes: [HeaderNameHash] = []
    private let forwardedOrigin: ForwardedOrigin?
    private var isTruncated = false

    init(projectToken: String, privacy: PrivacyPolicy, trustedProxies: TrustedProxies = .none) {
        self.projectToken = projectToken
        filter = PrivacyFilter(policy: privacy)
        forwardedOrigin = ForwardedOrigin(trustedProxies)
    }

    mutating func encode(_ request: TrackedRequest) -> [UInt8] {
        writer.removeAll()
        isTruncated = false
        writer.raw("{\"project_token\":")
        writer.string(projectToken)
        writer.raw(",\"event_type\":\"page_view\",\"ra_tracker_version\":\"swift-v")
        writer.content(TrackerVersion.current)
        writer.raw("\",\"event_data\":{\"view_name\":")
        appendViewName(request.viewName)
        writer.raw(",\"header_data\":{")
        appendHeaders(request.snapshot)
        writer.raw("},\"full_url\":\"")
        url.removeAll(keepingCapacity: true)
        if FullURL.append(request.snapshot, origin: forwardedOrigin, filter: &filter, to: &url) { isTruncated = true }
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
        writer.raw("}}")
        if let weight = request.weight {
            writer.raw(",\"sample_weight\":")
            writer.content("\(weight)")
        }
        if isTruncated { writer.raw(",\"truncated\":true") }
        writer.raw("}}")
        return writer.bytes
    }

    private mutating func appendViewName(_ name: String?) {
        guard var name else { return writer.raw("null") }
        writer.byte(UInt8(ascii: "\""))
        name.withUTF8 { bytes in
            let kept = EventLimit.prefix(of: bytes, bytes: EventLimit.viewNameBytes)
            if kept.count < bytes.count { isTruncated = true }
            writer.content(kept)
        }
        writer.byte(UInt8(ascii: "\""))
    }

    // MARK: Headers

    private mutating func appendHeaders(_ snapshot: RequestSnapshot) {
        let all = snapshot.headers.fields
        let fields = all.prefix(EventLimit.headers)
        if fields.count < all.count { isTruncated = true }
        hashes.removeAll(keepingCapacity: true)
        for field in fields {
            var name = field.name
            hashes.append(name.withUTF8 { HeaderNameHash($0) })
        }
        var isFirst = true
        for index in fields.indices {
            // A name with an underscore could shadow the real one: "X_Real" and "X-Real" have one CGI name.
            guard !hashes[index].isAmbiguous, !fields[index].name.isEmpty, !isRepetition(index, in: fields) else {
                continue
            }
            let mark = writer.count
            if !isFirst { writer.byte(UInt8(ascii: ",")) }
            guard appendHeader(index, of: fields, snapshot.style) else {
                writer.rewind(to: mark)
                continue
            }
            if writer.count > EventLimit.headersEnd {
                writer.rewind(to: mark)
                isTruncated = true
                continue
            }
            isFirst = false
        }
    }

    /// - Returns: false if the field has no place in the event.
    private mutating func appendHeader(
        _ index: Int, of fields: ArraySlice<RequestHeaders.Field>, _ style: EventStyle
    ) -> Bool {
        let (name, value) = fields[index]
        let isContentType = RequestHeaders.isEqual(name, "content-type")
        if style == .cgi, isContentType, value.isEmpty { return false }
        let treatment = filter.treatment(ofHeader: name, hash: hashes[index])
        if case .omit = treatment { return false }
        let isBare = style == .router && (isContentType || RequestHeaders.isEqual(name, "content-length"))
        writer.raw(isBare ? "\"" : "\"HTTP_")
        var variable = name
        variable.withUTF8 { bytes in
            let kept = EventLimit.prefix(of: bytes, bytes: EventLimit.viewNameBytes)
            if kept.count < bytes.count { isTruncated = true }
            writer.variableName(kept)
        }
        writer.raw("\":\"")
        appendValue(value, treatment)
        for later in (index + 1)..<max(index + 1, fields.count)
        where hashes[later] == hashes[index] && HeaderNameHash.areSame(fields[later].name, name) {
            writer.byte(UInt8(ascii: ","))
            appendValue(fields[later].value, treatment)
        }
        writer.byte(UInt8(ascii: "\""))
        return true
    }

    /// Whether the name stood before; then its value was written there.
    private func isRepetition(_ index: Int, in fields: ArraySlice<RequestHeaders.Field>) -> Bool {
        for earlier in 0..<index
        where hashes[earlier] == hashes[index] && HeaderNameHash.areSame(fields[earlier].name, fields[index].name) {
            return true
        }
        return false
    }

    private mutating func appendValue(_ value: String, _ treatment: PrivacyFilter.Treatment) {
        var value = value
        switch treatment {
        case .replace: return writer.raw(PrivacyFilter.replacementBytes)
        case .truncateAddresses: value = ClientAddresses.truncated(value)
        case .keep, .cookies, .search, .omit: break
        }
        value.withUTF8 { bytes in
            let kept = EventLimit.prefix(of: bytes, bytes: EventLimit.headerValueBytes)
            if kept.count < bytes.count { isTruncated = true }
            switch treatment {
            case .cookies: filter.appendCookies(kept, to: &writer)
            case .search: filter.append(searching: kept, to: &writer)
            case .keep, .replace, .truncateAddresses, .omit: writer.content(kept)
            }
        }
    }

    // MARK: Cookies

    private mutating func appendRequestCookies(_ snapshot: RequestSnapshot) {
        let cookies = snapshot.cookies?() ?? cookiesInHeader(snapshot)
        var isFirst = true
        for cookie in cookies {
            let isHidden =
                !filter.isOff && (filter.hidesCookie(cookie.name.utf8) || cookie.name == SessionCookie.name)
            // Perhaps a value without a name.
            if isHidden, cookie.value.isEmpty { continue }
            let mark = writer.count
            if !isFirst { writer.byte(UInt8(ascii: ",")) }
            writer.string(cookie.name)
            writer.byte(UInt8(ascii: ":"))
            writer.string(isHidden ? PrivacyFilter.replacement : cookie.value)
            if isTooLong(since: mark) { continue }
            isFirst = false
        }
    }

    /// Takes back a cookie that does not fit any more.
    private mutating func isTooLong(since mark: Int) -> Bool {
        guard writer.count > EventLimit.cookiesEnd else { return false }
        writer.rewind(to: mark)
        isTruncated = true
        return true
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
            let mark = writer.count
            if !isFirst { writer.byte(UInt8(ascii: ",")) }
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
            if isTooLong(since: mark) { continue }
            isFirst = false
        }
    }
}
