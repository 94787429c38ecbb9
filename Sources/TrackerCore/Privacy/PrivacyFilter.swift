/// Applies a ``PrivacyPolicy`` to events. Used by the delivery thread only; reuses its buffers.
struct PrivacyFilter {
    static let replacement = "[Filtered]"
    /// ``replacement`` for the encoder, which writes it unescaped.
    static var replacementText: StaticString { "[Filtered]" }

    /// How to treat the value of a header field.
    enum Treatment {
        case keep
        case replace
        /// Applies the cookie rule to each cookie in the value.
        case cookies
        /// Keeps the value except for the secrets in it.
        case search
        /// As ``search``, but replaces a value that looks like a login code.
        case searchLoginCode
        /// As ``search``, but replaces a value that looks like a telephone number.
        case searchTelephone
        /// Truncates the client addresses in the value.
        case truncateAddresses
        /// Leaves out the field, name and value.
        case omit
    }

    /// Bytes read beyond the kept part of a value, so that a secret cut off at the limit is still recognized.
    static let overlap = 512
    /// The maximum number of byte reads per event. The longest ordinary event needs a third of it.
    static let stepsPerEvent = 400_000

    let policy: PrivacyPolicy
    /// Whether the policy is ``PrivacyPolicy/none``, so that nothing is examined.
    let isOff: Bool
    private let hasTemplates: Bool
    private let automaton: RuleAutomaton
    private let headers: NameRule
    private let cookies: NameRule
    private let parameters: NameRule
    private let paths: PathRules
    private var scanner: SecretScanner
    private var clean = CleanValues()
    private var stepsLeft = PrivacyFilter.stepsPerEvent
    /// The number of times that the work limit was reached and the unread rest hidden.
    private(set) var exhaustions = 0
    /// Whether that happened in the current event.
    private(set) var isExhausted = false
    /// The number of byte reads in the current event.
    var steps: Int { Self.stepsPerEvent - stepsLeft }

    init(policy: PrivacyPolicy) {
        self.policy = policy
        isOff = policy == .none
        hasTemplates = policy.pathSegments == .template
        automaton = .with(policy.terms)
        headers = NameRule(policy.headers)
        cookies = NameRule(policy.cookies)
        parameters = NameRule(policy.queryParameters)
        paths = PathRules(policy)
        scanner = SecretScanner(automaton, keeping: policy.kept)
    }

    /// Begins an event, with a work limit of its own.
    mutating func beginEvent() {
        stepsLeft = Self.stepsPerEvent
        isExhausted = false
    }

    /// Returns the view name if it replaces the path: the policy asks for templates, and the name is one.
    func template(of viewName: String?) -> String? {
        guard hasTemplates, let viewName, viewName.hasPrefix("/") else { return nil }
        return viewName
    }

    // MARK: Headers

    func treatment(ofHeader name: String) -> Treatment {
        if isOff { return .keep }
        let lowercase = name.lowercased()
        if lowercase == "cookie" || lowercase == "set-cookie" { return .cookies }
        if policy.addresses != .keep, ClientAddresses.headers.contains(lowercase) {
            return policy.addresses == .omit ? .omit : .truncateAddresses
        }
        if headers.hides(name.utf8, automaton) { return .replace }
        // Without the search, only the app's patterns for paths apply to a value.
        guard policy.searchesValues else { return paths.hasPatterns ? .search : .keep }
        guard headers.isDenyList else { return .search }
        return switch name.withBytes({ automaton.meaning(of: $0) }) {
        case .conditional: .searchLoginCode
        case .phone: policy.kept.contains(.phone) ? .search : .searchTelephone
        case .harmless, .secret, .secretLine: .search
        }
    }

    /// Writes a value with its secrets replaced.
    ///
    /// - Parameters:
    ///   - value: the part to keep and, if it was cut off, ``overlap`` more bytes.
    ///   - count: the length of the part to keep.
    mutating func append(
        searching value: UnsafeBufferPointer<UInt8>, keeping count: Int, to writer: inout JSONWriter
    ) {
        let kept = UnsafeBufferPointer(rebasing: value[..<count])
        if clean.contains(value) { return writer.content(kept) }
        if policy.searchesValues { scan(value, .header) }
        if scanner.found.isEmpty, !paths.hasPatterns {
            clean.insert()
            return writer.content(kept)
        }
        var hidden = scanner.found
        if paths.hasPatterns { hidden = Self.merged(hidden + paths.hidden(inURL: value)) }
        Self.append(kept, hiding: hidden, to: &writer)
    }

    private static func append(
        _ text: UnsafeBufferPointer<UInt8>, hiding hidden: [Range<Int>], to writer: inout JSONWriter
    ) {
        var copied = 0
        for range in hidden where range.lowerBound < text.count {
            writer.content(UnsafeBufferPointer(rebasing: text[copied..<range.lowerBound]))
            writer.raw(replacementText)
            copied = min(text.count, range.upperBound)
        }
        writer.content(UnsafeBufferPointer(rebasing: text[copied...]))
    }

    /// Returns whether a value is a login code or a telephone number, for a header whose name suggests one.
    func hides(_ value: UnsafeBufferPointer<UInt8>, _ treatment: Treatment) -> Bool {
        switch treatment {
        case .searchLoginCode: return Randomness.isLoginCode(value)
        case .searchTelephone: return Telephone.isNumber(value)
        case .keep, .replace, .cookies, .search, .truncateAddresses, .omit: return false
        }
    }

    private mutating func scan(_ value: UnsafeBufferPointer<UInt8>, _ context: ScanPass.Context) {
        scanner.scan(value, context, steps: max(0, stepsLeft))
        stepsLeft -= scanner.steps
        if scanner.isExhausted {
            exhaustions += 1
            isExhausted = true
        }
    }

    // MARK: Cookies

    func hidesCookie(_ name: some Sequence<UInt8>) -> Bool { cookies.hides(name, automaton) }

    /// Writes a `Cookie` field with the names of its cookies, in order, and the values that may stay.
    mutating func appendCookies(_ header: UnsafeBufferPointer<UInt8>, to writer: inout JSONWriter) {
        guard cookies.mayHide || policy.searchesValues else { return writer.content(header) }
        var position = 0
        var isFirst = true
        while position <= header.count {
            let end = header[position...].firstIndex(of: UInt8(ascii: ";")) ?? header.count
            while position < end, header[position] == 0x20 || header[position] == 0x09 { position += 1 }
            if !isFirst { writer.raw("; ") }
            isFirst = false
            if let equals = header[position..<end].firstIndex(of: UInt8(ascii: "=")), equals > position {
                writer.content(UnsafeBufferPointer(rebasing: header[position...equals]))
                let name = header[position..<equals]
                if cookies.mayHide, cookies.hides(name, automaton) || Self.isOwn(name) {
                    writer.raw(Self.replacementText)
                } else {
                    append(cookie: UnsafeBufferPointer(rebasing: header[(equals + 1)..<end]), to: &writer)
                }
            } else if position < end {
                // Text without a name may be anything, even a value.
                if cookies.mayHide {
                    writer.raw(Self.replacementText)
                } else {
                    append(cookie: UnsafeBufferPointer(rebasing: header[position..<end]), to: &writer)
                }
            }
            position = end + 1
        }
    }

    /// Writes the value of a cookie that may stay, or one of its attributes, without the secrets in it.
    mutating func append(cookie value: UnsafeBufferPointer<UInt8>, to writer: inout JSONWriter) {
        guard policy.searchesValues else { return writer.content(value) }
        append(searching: value, keeping: value.count, to: &writer)
    }

    /// Returns whether the cookie is the tracker's own. The event already has the session id; a second copy only makes
    /// it easier to find.
    private static func isOwn(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        name.elementsEqual(SessionCookie.name.utf8)
    }

    // MARK: URLs

    /// Returns the parts of a URL's path and query to hide, in order and without overlap.
    ///
    /// - Parameters:
    ///   - url: from the first byte of the path to the last of the query.
    ///   - question: the position of the `?`; the URL's end if there is none.
    mutating func hidden(inURL url: UnsafeBufferPointer<UInt8>, question: Int) -> [Range<Int>] {
        if isOff { return [] }
        var hidden: [Range<Int>] = []
        if policy.searchesValues {
            scan(url, .url)
            hidden = scanner.found
            // The slash after the host is not part of a secret.
            if let first = hidden.first, first.lowerBound == 0, url.first == UInt8(ascii: "/") {
                hidden[0] = min(1, first.upperBound)..<first.upperBound
            }
        }
        // The scanner already checks names against the deny list.
        let asksNames = parameters.mayHide && !(parameters.isDenyList && policy.searchesValues)
        guard asksNames || paths.isActive else { return hidden }
        if asksNames { hidden += parameters.hidden(inQuery: url, from: question + 1, automaton) }
        if paths.isActive { hidden += paths.hidden(inPath: UnsafeBufferPointer(rebasing: url[..<question])) }
        return Self.merged(hidden)
    }

    /// Writes a path that is not the request's own, such as that of a cookie.
    mutating func append(path: UnsafeBufferPointer<UInt8>, to writer: inout JSONWriter) {
        let question = path.firstIndex(of: UInt8(ascii: "?")) ?? path.count
        Self.append(path, hiding: hidden(inURL: path, question: question), to: &writer)
    }

    private static func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var merged: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound < last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }
}
