/// Applies a ``PrivacyPolicy`` to one event after another. Used by the delivery thread alone; keeps its buffers.
struct PrivacyFilter {
    static let replacement = "[Filtered]"
    /// The same for the encoder, whose event it becomes a part of as it is.
    static var replacementText: StaticString { "[Filtered]" }

    /// What happens to the value of a header field.
    enum Treatment {
        case keep
        case replace
        /// Each cookie in it is treated like a cookie.
        case cookies
        /// The value stays but for the secrets in it.
        case search
        /// It holds clients' addresses, which are shortened.
        case truncateAddresses
        /// The field is left out, name and value.
        case omit
    }

    let policy: PrivacyPolicy
    /// The original's events: nothing is looked at.
    let isOff: Bool
    private let terms: SensitiveTerms
    private let headers: NameRule
    private let cookies: NameRule
    private let parameters: NameRule
    private var scanner = SecretScanner()
    private var clean = CleanValues()

    init(policy: PrivacyPolicy) {
        self.policy = policy
        isOff = policy == .none
        terms = policy.terms.isEmpty ? .standard : SensitiveTerms(adding: policy.terms)
        headers = NameRule(policy.headers)
        cookies = NameRule(policy.cookies)
        parameters = NameRule(policy.queryParameters)
    }

    init(mode: PrivacyMode) {
        self.init(policy: PrivacyPolicy(mode))
    }

    // MARK: Headers

    func treatment(ofHeader name: String) -> Treatment {
        if isOff { return .keep }
        let lowercase = name.lowercased()
        if lowercase == "cookie" || lowercase == "set-cookie" { return .cookies }
        if policy.addresses != .keep, ClientAddresses.headers.contains(lowercase) {
            return policy.addresses == .omit ? .omit : .truncateAddresses
        }
        if headers.hides(name.utf8, terms) { return .replace }
        return policy.searchesValues ? .search : .keep
    }

    /// Writes a value with its secrets replaced.
    mutating func append(searching value: UnsafeBufferPointer<UInt8>, to writer: inout JSONWriter) {
        if clean.contains(value) { return writer.content(value) }
        scanner.scan(value, .header, terms)
        if scanner.found.isEmpty {
            clean.insert()
            return writer.content(value)
        }
        var copied = 0
        for range in scanner.found {
            writer.content(UnsafeBufferPointer(rebasing: value[copied..<range.lowerBound]))
            writer.raw(Self.replacementText)
            copied = range.upperBound
        }
        writer.content(UnsafeBufferPointer(rebasing: value[copied...]))
    }

    // MARK: Cookies

    func hidesCookie(_ name: some Sequence<UInt8>) -> Bool { cookies.hides(name, terms) }

    /// Writes a `Cookie` field with the names of its cookies, in order, and with the values that may stay.
    func appendCookies(_ header: UnsafeBufferPointer<UInt8>, to writer: inout JSONWriter) {
        guard cookies.mayHide else { return writer.content(header) }
        var position = 0
        var isFirst = true
        while position <= header.count {
            let end = header[position...].firstIndex(of: UInt8(ascii: ";")) ?? header.count
            while position < end, header[position] == 0x20 || header[position] == 0x09 { position += 1 }
            if !isFirst { writer.raw("; ") }
            isFirst = false
            if let equals = header[position..<end].firstIndex(of: UInt8(ascii: "=")) {
                writer.content(UnsafeBufferPointer(rebasing: header[position...equals]))
                let isHidden = cookies.hides(header[position..<equals], terms) || Self.isOwn(header[position..<equals])
                if isHidden {
                    writer.raw(Self.replacementText)
                } else {
                    writer.content(UnsafeBufferPointer(rebasing: header[(equals + 1)..<end]))
                }
            } else if position < end {
                // Without a name it may be anything, a value as well.
                writer.raw(Self.replacementText)
            }
            position = end + 1
        }
    }

    /// The session's id is in the event already; a second copy of it only makes it easier to find.
    private static func isOwn(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        name.elementsEqual(SessionCookie.name.utf8)
    }

    // MARK: URLs

    func hidesQueryValue(name: UnsafeBufferPointer<UInt8>) -> Bool {
        if isOff || !parameters.mayHide { return false }
        return name.contains(UInt8(ascii: "%"))
            ? parameters.hides(PercentEncoding.decode(name), terms) : parameters.hides(name, terms)
    }

    /// Whether `full_url` has to be searched for secrets inside its path and its values.
    var searchesURLs: Bool { !isOff && policy.searchesValues }

    /// The secrets in a URL's path and query.
    mutating func secrets(inURL url: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        scanner.scan(url, .url, terms)
        return scanner.found
    }
}

/// One rule of a policy, ready to be asked.
struct NameRule {
    private let rule: PrivacyPolicy.Rule
    private let allowed: Set<[UInt8]>

    init(_ rule: PrivacyPolicy.Rule) {
        self.rule = rule
        allowed = if case .allowList(let names) = rule { Set(names.map { Self.folded($0.utf8) }) } else { [] }
    }

    /// Whether there is any name whose value goes.
    var mayHide: Bool { rule != .off }

    func hides(_ name: some Sequence<UInt8>, _ terms: borrowing SensitiveTerms) -> Bool {
        switch rule {
        case .off: false
        case .denyList: terms.matches(name)
        case .allowList: allowed.isEmpty || !allowed.contains(Self.folded(name))
        }
    }

    private static func folded(_ name: some Sequence<UInt8>) -> [UInt8] {
        name.map { byte in
            byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : byte
        }
    }
}
