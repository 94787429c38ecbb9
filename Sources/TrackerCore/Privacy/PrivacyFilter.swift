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
        /// The same, unless it looks like a code of a login.
        case searchLoginCode
        /// The same, unless it looks like a telephone number.
        case searchTelephone
        /// It holds clients' addresses, which are shortened.
        case truncateAddresses
        /// The field is left out, name and value.
        case omit
    }

    /// How many bytes beyond the part of a value that is kept are read with it, so that nothing is cut in half and passes
    /// for something else.
    static let overlap = 512
    /// How often the bytes of one event may be looked at. The longest event that has nothing odd needs a third of it.
    static let stepsPerEvent = 400_000

    let policy: PrivacyPolicy
    /// The original's events: nothing is looked at.
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
    /// How often a bound on the work was hit, and what could not be read was hidden.
    private(set) var exhaustions = 0
    /// Whether that was so in the present event.
    private(set) var isExhausted = false
    /// How often bytes were looked at in the present event.
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

    /// Begins an event, with its own bound on the work.
    mutating func beginEvent() {
        stepsLeft = Self.stepsPerEvent
        isExhausted = false
    }

    /// What stands for the path, if the policy wants the route's template and the view's name is one.
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
        guard policy.searchesValues else { return .keep }
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
    ///   - value: the part that is kept, and, if it was cut off, ``overlap`` bytes more.
    ///   - count: the length of the part that is kept.
    mutating func append(
        searching value: UnsafeBufferPointer<UInt8>, keeping count: Int, to writer: inout JSONWriter
    ) {
        let kept = UnsafeBufferPointer(rebasing: value[..<count])
        if clean.contains(value) { return writer.content(kept) }
        scan(value, .header)
        if scanner.found.isEmpty, !paths.hasPatterns {
            clean.insert()
            return writer.content(kept)
        }
        var hidden = scanner.found
        if paths.hasPatterns { hidden = Self.merged(hidden + paths.hidden(inURL: value)) }
        var copied = 0
        for range in hidden where range.lowerBound < count {
            writer.content(UnsafeBufferPointer(rebasing: kept[copied..<range.lowerBound]))
            writer.raw(Self.replacementText)
            copied = min(count, range.upperBound)
        }
        writer.content(UnsafeBufferPointer(rebasing: kept[copied...]))
    }

    /// Whether the value of a header named like a code or a telephone number is one.
    func hides(_ value: UnsafeBufferPointer<UInt8>, _ treatment: Treatment) -> Bool {
        switch treatment {
        case .searchLoginCode: return Randomness.isLoginCode(value)
        case .searchTelephone:
            let digits = value.reduce(0) { $0 + (ASCII.isDigit($1) ? 1 : 0) }
            return (7...15).contains(digits) && value.count <= 32
                && value.allSatisfy { ASCII.isDigit($0) || Telephone.isBetween($0) || $0 == UInt8(ascii: "+") }
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
            if let equals = header[position..<end].firstIndex(of: UInt8(ascii: "=")), equals > position {
                writer.content(UnsafeBufferPointer(rebasing: header[position...equals]))
                let isHidden =
                    cookies.hides(header[position..<equals], automaton) || Self.isOwn(header[position..<equals])
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

    /// What of a URL's path and query is not to be shown, in order and without overlap.
    ///
    /// - Parameters:
    ///   - url: from the path's first byte to the query's last one.
    ///   - question: where the query begins; the URL's end if it has none.
    mutating func hidden(inURL url: UnsafeBufferPointer<UInt8>, question: Int) -> [Range<Int>] {
        if isOff { return [] }
        var hidden: [Range<Int>] = []
        if policy.searchesValues {
            scan(url, .url)
            hidden = scanner.found
            // The slash that ends the host is no part of a secret.
            if let first = hidden.first, first.lowerBound == 0, url.first == UInt8(ascii: "/") {
                hidden[0] = min(1, first.upperBound)..<first.upperBound
            }
        }
        // The scanner knows the names of a deny list itself.
        let asksNames = parameters.mayHide && !(parameters.isDenyList && policy.searchesValues)
        guard asksNames || paths.isActive else { return hidden }
        if asksNames { hidden += hiddenParameters(url, from: question + 1) }
        if paths.isActive { hidden += paths.hidden(inPath: UnsafeBufferPointer(rebasing: url[..<question])) }
        return Self.merged(hidden)
    }

    private func hiddenParameters(_ url: UnsafeBufferPointer<UInt8>, from start: Int) -> [Range<Int>] {
        var hidden: [Range<Int>] = []
        var position = start
        while position < url.count {
            let pairEnd = url[position...].firstIndex(of: UInt8(ascii: "&")) ?? url.count
            let nameEnd = url[position..<pairEnd].firstIndex(of: UInt8(ascii: "=")) ?? pairEnd
            if nameEnd + 1 < pairEnd {
                let name = UnsafeBufferPointer(rebasing: url[position..<nameEnd])
                let isHidden =
                    name.contains(UInt8(ascii: "%"))
                    ? parameters.hides(PercentEncoding.decode(name), automaton) : parameters.hides(name, automaton)
                if isHidden { hidden.append(nameEnd + 1..<pairEnd) }
            }
            position = pairEnd + 1
        }
        return hidden
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
