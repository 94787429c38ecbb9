/// Encodes a tracked request as the JSON bytes of its event. Used by the delivery thread only; reuses its buffers.
struct EventEncoder: ~Copyable {
    /// The bytes that every event begins with.
    private let beginning: [UInt8]
    private var filter: PrivacyFilter
    private var writer = JSONWriter()
    private var url: [UInt8] = []
    private var names = HeaderNames()
    /// The numbers of the current event's header names.
    private var numbers: [Int] = []
    private(set) var hosts = UsableHost()
    private let forwardedOrigin: ForwardedOrigin?
    /// Whether a request came without the peer's address, which trusted networks need.
    private(set) var missesPeer = false
    private var isTruncated = false

    init(projectToken: String, privacy: PrivacyPolicy, trustedProxies: TrustedProxies = .none) {
        writer.raw("{\"project_token\":")
        writer.string(projectToken)
        writer.raw(",\"event_type\":\"page_view\",\"ra_tracker_version\":\"swift-v")
        writer.content(TrackerVersion.current)
        writer.raw("\",\"event_data\":{\"view_name\":")
        beginning = writer.bytes
        filter = PrivacyFilter(policy: privacy)
        forwardedOrigin = ForwardedOrigin(trustedProxies)
    }

    /// The number of times that the filter reached its work limit and hid what it had not read.
    var exhaustions: Int { filter.exhaustions }

    mutating func encode(_ request: borrowing TrackedRequest) -> [UInt8] {
        write(request)
        return writer.bytes
    }

    /// Appends the event to a buffer.
    mutating func encode(_ request: borrowing TrackedRequest, to buffer: inout [UInt8]) {
        write(request)
        writer.append(to: &buffer)
    }

    private mutating func write(_ request: borrowing TrackedRequest) {
        writer.removeAll()
        filter.beginEvent()
        isTruncated = false
        writer.raw(beginning)
        appendViewName(request.viewName)
        writer.raw(",\"header_data\":{")
        let start = request.start
        // Once, because a deferred form creates them anew each time.
        let fields = start.snapshot.headers.fields
        appendHeaders(fields, start.snapshot.style)
        writer.raw("},\"full_url\":\"")
        url.removeAll(keepingCapacity: true)
        isTruncated =
            FullURL.append(
                start.snapshot, fields: fields, template: filter.template(of: request.viewName),
                origin: forwardedOrigin, hosts: &hosts, filter: &filter, to: &url) || isTruncated
        if forwardedOrigin?.lacksPeer(start.snapshot) == true { missesPeer = true }
        // Needs no escaping: the URL is ASCII, with quotes and backslashes percent-encoded.
        writer.raw(url)
        writer.raw("\",\"ra_session_id\":\"")
        writer.hexadecimal(start.session.high)
        writer.hexadecimal(start.session.low)
        writer.raw("\",\"time_request_received_ns\":")
        writer.integer(start.receivedAt)
        writer.raw(",\"processing_time_ns\":")
        writer.integer(request.processingNanoseconds)
        writer.raw(",\"response_data\":{\"status_code\":")
        writer.integer(request.status)
        writer.raw(",\"cookies\":{")
        switch start.snapshot.style {
        case .router: appendResponseCookies(request.responseCookies)
        case .cgi: appendRequestCookies(start.snapshot, fields)
        }
        writer.raw("}}")
        if let weight = request.weight {
            writer.raw(",\"sample_weight\":")
            writer.content("\(weight)")
        }
        if isTruncated || filter.isExhausted { writer.raw(",\"truncated\":true") }
        writer.raw("}}")
    }

    private mutating func appendViewName(_ name: String?) {
        guard let name else { return writer.raw("null") }
        writer.byte(UInt8(ascii: "\""))
        name.withBytes { bytes in
            let kept = StringBytes.prefix(of: bytes, bytes: EventLimit.viewNameBytes)
            if kept.count < bytes.count { isTruncated = true }
            writer.content(kept)
        }
        writer.byte(UInt8(ascii: "\""))
    }

    // MARK: Headers

    private mutating func appendHeaders(_ fields: [RequestHeaders.Field], _ style: EventStyle) {
        fields.withUnsafeBufferPointer { all in
            if all.count > EventLimit.headers { isTruncated = true }
            appendHeaders(UnsafeBufferPointer(rebasing: all.prefix(EventLimit.headers)), style)
        }
    }

    private mutating func appendHeaders(_ fields: UnsafeBufferPointer<RequestHeaders.Field>, _ style: EventStyle) {
        names.begin(style)
        numbers.removeAll(keepingCapacity: true)
        var hasRepetitions = false
        for index in fields.indices {
            let number = fields[index].name.withBytes { names.number(of: $0) } ?? addName(fields[index].name)
            if names.isRepetition(number) { hasRepetitions = true }
            numbers.append(number)
        }
        var isFirst = true
        for index in fields.indices {
            let header = names[numbers[index]]
            guard header.isUsable, !(style == .cgi && header.isContentType && fields[index].value.isEmpty) else {
                continue
            }
            // The value of a repeated name was written at its first occurrence.
            if hasRepetitions, numbers[..<index].contains(where: { names[$0].group == header.group }) { continue }
            let mark = writer.count
            names.appendOpening(numbers[index], withComma: !isFirst, to: &writer)
            if header.isCut { isTruncated = true }
            appendValue(fields[index].value, header.treatment)
            if hasRepetitions { appendRepetitions(of: header, after: index, in: fields) }
            writer.byte(UInt8(ascii: "\""))
            if !isTooLong(since: mark, EventLimit.headersEnd) { isFirst = false }
        }
    }

    /// Kept out of the loop above, which would otherwise copy the filter for each field.
    @inline(never)
    private mutating func addName(_ name: String) -> Int {
        let treatment = filter.treatment(ofHeader: name)
        return name.withBytes { names.add($0, treatment) }
    }

    private mutating func appendRepetitions(
        of header: KnownHeader, after index: Int, in fields: UnsafeBufferPointer<RequestHeaders.Field>
    ) {
        for later in (index + 1)..<max(index + 1, fields.count) where names[numbers[later]].group == header.group {
            // HTTP/2 may split cookies into several fields (RFC 9113, section 8.2.3).
            writer.byte(header.isCookie ? UInt8(ascii: ";") : UInt8(ascii: ","))
            if header.isCookie { writer.byte(UInt8(ascii: " ")) }
            appendValue(fields[later].value, header.treatment)
        }
    }

    @inline(__always)
    private mutating func appendValue(_ value: borrowing String, _ treatment: PrivacyFilter.Treatment) {
        switch treatment {
        case .replace: writer.raw(PrivacyFilter.replacementText)
        case .truncateAddresses: ClientAddresses.truncated(kept(of: value)).withBytes { appendValue($0, treatment) }
        case .keep, .cookies, .search, .searchLoginCode, .searchTelephone, .omit:
            value.withBytes { appendValue($0, treatment) }
        }
    }

    /// Returns the value, cut off at ``EventLimit/headerValueBytes``.
    private mutating func kept(of value: borrowing String) -> String {
        guard value.utf8.count > EventLimit.headerValueBytes else { return copy value }
        isTruncated = true
        return value.withBytes {
            String(decoding: StringBytes.prefix(of: $0, bytes: EventLimit.headerValueBytes), as: UTF8.self)
        }
    }

    private mutating func appendValue(_ bytes: UnsafeBufferPointer<UInt8>, _ treatment: PrivacyFilter.Treatment) {
        let kept = StringBytes.prefix(of: bytes, bytes: EventLimit.headerValueBytes)
        if kept.count < bytes.count { isTruncated = true }
        switch treatment {
        case .cookies: filter.appendCookies(kept, to: &writer)
        case .searchLoginCode, .searchTelephone:
            if filter.hides(kept, treatment) { return writer.raw(PrivacyFilter.replacementText) }
            appendSearched(bytes, keeping: kept.count)
        case .search: appendSearched(bytes, keeping: kept.count)
        // Not only addresses remain: a host may be anything.
        case .truncateAddresses where filter.policy.searchesValues: appendSearched(bytes, keeping: kept.count)
        case .keep, .replace, .truncateAddresses, .omit: writer.content(kept)
        }
    }

    private mutating func appendSearched(_ bytes: UnsafeBufferPointer<UInt8>, keeping count: Int) {
        let window = min(bytes.count, count + PrivacyFilter.overlap)
        filter.append(searching: UnsafeBufferPointer(rebasing: bytes[..<window]), keeping: count, to: &writer)
    }

    // MARK: Cookies

    private mutating func appendRequestCookies(_ snapshot: RequestSnapshot, _ fields: [RequestHeaders.Field]) {
        let cookies = snapshot.cookies?() ?? RequestHeaders.cookies(in: fields)
        var isFirst = true
        for cookie in cookies {
            let isHidden = !filter.isOff && (filter.hidesCookie(cookie.name.utf8) || cookie.name == SessionCookie.name)
            // The name may be a value that came without a name.
            if isHidden, cookie.value.isEmpty { continue }
            let mark = writer.count
            if !isFirst { writer.byte(UInt8(ascii: ",")) }
            writer.string(cookie.name)
            writer.byte(UInt8(ascii: ":"))
            if isHidden { writer.string(PrivacyFilter.replacement) } else { appendSearched(cookie.value) }
            if !isTooLong(since: mark, EventLimit.cookiesEnd) { isFirst = false }
        }
    }

    /// Writes a cookie's value or attribute as a string, without the secrets in it.
    private mutating func appendSearched(_ text: String) {
        writer.byte(UInt8(ascii: "\""))
        text.withBytes { filter.append(cookie: $0, to: &writer) }
        writer.byte(UInt8(ascii: "\""))
    }

    /// Removes the field or cookie written since `mark` if it goes beyond `end`, and returns whether it was removed.
    private mutating func isTooLong(since mark: Int, _ end: Int) -> Bool {
        guard writer.count > end else { return false }
        writer.rewind(to: mark)
        isTruncated = true
        return true
    }

    private mutating func appendResponseCookies(_ values: [String]) {
        guard !values.isEmpty else { return }
        let cookies = values.compactMap(SetCookieAttributes.init)
        var isFirst = true
        // Browsers keep the last cookie of a name.
        var last: [String: Int] = [:]
        for (index, cookie) in cookies.enumerated() { last[cookie.name] = index }
        for (index, cookie) in cookies.enumerated() where last[cookie.name] == index {
            let mark = writer.count
            if !isFirst { writer.byte(UInt8(ascii: ",")) }
            writer.string(cookie.name)
            writer.raw(":{\"expires\":")
            writer.string(cookie.expires)
            writer.raw(",\"path\":\"")
            cookie.path.withBytes { filter.append(path: $0, to: &writer) }
            writer.raw("\",\"comment\":")
            appendSearched(cookie.comment)
            writer.raw(",\"domain\":")
            appendSearched(cookie.domain)
            writer.raw(",\"max-age\":")
            if let age = cookie.maximumAge { writer.integer(age) } else { writer.raw("\"\"") }
            writer.raw(cookie.isSecure ? ",\"secure\":true" : ",\"secure\":\"\"")
            writer.raw(cookie.isHTTPOnly ? ",\"httponly\":true" : ",\"httponly\":\"\"")
            writer.raw(",\"version\":")
            writer.string(cookie.version)
            writer.raw(",\"samesite\":")
            writer.string(cookie.sameSite)
            writer.byte(UInt8(ascii: "}"))
            if !isTooLong(since: mark, EventLimit.cookiesEnd) { isFirst = false }
        }
    }
}
