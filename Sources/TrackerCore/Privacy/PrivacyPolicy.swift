import CLibrary

/// What of a request may leave the host. Values are replaced by `[Filtered]`; names stay, so that it can be seen that
/// there was something.
///
///     configuration.privacy = .strict
///     configuration.privacy.terms = ["customer-number"]
///     configuration.privacy.headers = .allowList(["Accept", "User-Agent"])
///
/// The filter runs on the delivery thread, while the event is written.
public struct PrivacyPolicy: Sendable, Hashable {
    /// How one kind of names and values is treated.
    public enum Rule: Sendable, Hashable {
        /// Every value stays.
        case off
        /// Values stay unless their name holds a sensitive term; see ``PrivacyPolicy/terms``.
        case denyList
        /// Only the values of these names stay. Case, and `-` against `_`, make no difference.
        case allowList(Set<String>)
    }

    /// What becomes of the addresses of clients in `X-Forwarded-For`, `Forwarded`, `X-Real-IP` and their like.
    public enum Addresses: String, Sendable, Hashable, CaseIterable {
        /// They stay as they were sent.
        case keep
        /// IPv4 keeps 24 bits, IPv6 48; what is no address is replaced.
        case truncate
        /// These headers are left out.
        case omit
    }

    /// Which segments of a path stay.
    public enum PathSegments: String, Sendable, Hashable, CaseIterable {
        /// All but those that look like secrets, by themselves or behind a telling word such as `reset`.
        case searched
        /// Plain words, and numbers of up to nine digits.
        case harmless
        /// None, if the view's name is the route's template: `/users/:id` stands there instead. Else as ``harmless``.
        case template
    }

    /// The values of header fields, but for `Cookie`.
    public var headers = Rule.denyList
    /// The values of cookies, in the `Cookie` field and in the response data.
    public var cookies = Rule.allowList([])
    /// The values in the query of `full_url`.
    public var queryParameters = Rule.denyList
    /// Words of your own that mark a name as sensitive, besides the built-in ones. A name is compared in lowercase, by
    /// its parts and as a whole: `customer-number` matches `X-Customer-Number` and `customerNumber`.
    public var terms: Set<String> = []
    /// Whether values that stay are searched for what looks like a secret: named values inside of them, JWTs, bearer
    /// tokens, keys of well-known services, passwords in URLs, and personal data such as numbers of payment cards and
    /// e-mail addresses. Then segments of paths are searched, too.
    public var searchesValues = true
    /// What becomes of clients' addresses.
    public var addresses = Addresses.keep
    /// Kinds of personal data that are not replaced where they are recognised by their shape.
    public var kept: PersonalData = []
    /// Paths of your own with secrets in them, such as `/reset/*` and `/files/*/download`: each `*` is one segment, which
    /// is replaced, in `full_url` and in the URLs of headers. A pattern counts for longer paths, too.
    public var paths: Set<String> = []
    /// Which segments of the path in `full_url` stay.
    public var pathSegments = PathSegments.searched

    /// The default policy.
    public init() {}

    /// A preset.
    public init(_ mode: PrivacyMode) {
        switch mode {
        case .standard: break
        case .none:
            headers = .off
            cookies = .off
            queryParameters = .off
            searchesValues = false
        case .strict:
            headers = .allowList(Self.harmlessHeaders)
            queryParameters = .allowList([])
            pathSegments = .harmless
        }
    }

    /// Replaces credentials, cookies, sensitive parameters, and what looks like a secret.
    public static let standard = PrivacyPolicy(.standard)
    /// Replaces nothing: the events of the Python package.
    public static let none = PrivacyPolicy(.none)
    /// Keeps the values of a few harmless headers, and none of the query.
    public static let strict = PrivacyPolicy(.strict)

    /// The preset's name, or "custom".
    public var name: String {
        PrivacyMode.allCases.first { PrivacyPolicy($0) == self }?.rawValue ?? "custom"
    }

    /// The headers whose values stay under ``strict``.
    public static let harmlessHeaders: Set<String> = [
        "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length",
        "content-type", "dnt", "host", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user",
        "sec-gpc", "upgrade-insecure-requests", "user-agent",
    ]
}

/// The presets of ``PrivacyPolicy``, as `RA_PRIVACY` names them.
public enum PrivacyMode: String, Sendable, Hashable, CaseIterable {
    /// Values of credentials, cookies, sensitive parameters, and what looks like a secret wherever it stands, are
    /// replaced by `[Filtered]`; names stay.
    case standard = "default"
    /// Nothing is filtered: the events of the Python package.
    case none
    /// Of the headers only a few harmless ones keep their value, and no query value leaves the host.
    case strict
}

/// Kinds of personal data that are recognised by their shape. Each can be kept; see ``PrivacyPolicy/kept``.
public struct PersonalData: OptionSet, Sendable, Hashable {
    /// One bit for each kind.
    public let rawValue: UInt8

    /// Makes a set of its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// E-mail addresses (RFC 5321, section 4.1.2; RFC 6531).
    public static let email = PersonalData(rawValue: 1)
    /// Telephone numbers with a `+` and a country code (ITU-T E.164), and any after a telling name.
    public static let phone = PersonalData(rawValue: 2)
    /// International bank account numbers (ISO 13616), by country, length and check digits.
    public static let iban = PersonalData(rawValue: 4)
    /// Social security numbers of the United States, with their separators.
    public static let ssn = PersonalData(rawValue: 8)
    /// Numbers of payment cards (ISO/IEC 7812-1), by issuer, length and check digit.
    public static let card = PersonalData(rawValue: 16)

    /// The kinds by the names that `RA_PRIVACY_KEEP` takes.
    static let named: [(name: String, kind: PersonalData)] = [
        ("email", .email), ("phone", .phone), ("iban", .iban), ("ssn", .ssn), ("card", .card),
    ]
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

    var isDenyList: Bool { rule == .denyList }

    func hides(_ name: some Sequence<UInt8>, _ automaton: RuleAutomaton) -> Bool {
        switch rule {
        case .off: return false
        case .denyList:
            return name.withContiguousStorageIfAvailable { automaton.isSensitive($0) }
                ?? Array(name).withUnsafeBufferPointer { automaton.isSensitive($0) }
        case .allowList: return allowed.isEmpty || !allowed.contains(Self.folded(name))
        }
    }

    private static func folded(_ name: some Sequence<UInt8>) -> [UInt8] {
        name.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : ASCII.lowercase($0) }
    }
}

/// Shortens the addresses of clients in the header fields that proxies write.
enum ClientAddresses {
    /// The fields, in lowercase.
    static let headers: Set<String> = [
        "x-forwarded-for", "forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for",
        "cf-connecting-ip", "cf-connecting-ipv6", "cf-pseudo-ipv4", "true-client-ip", "fastly-client-ip",
        "x-appengine-user-ip", "x-azure-clientip", "fly-client-ip", "x-envoy-external-address", "client-ip",
        "remote-addr", "x-remote-addr", "via-ip", "x-remote-ip", "x-forwarded",
    ]

    /// Each element of a list; of `Forwarded` (RFC 7239) the `for` and `by` parameters.
    static func truncated(_ value: String) -> String {
        value.split(separator: ",", omittingEmptySubsequences: false).map { element in
            guard element.contains("=") else { return truncatedNode(String(element).trimmingSpaces()) }
            return element.split(separator: ";", omittingEmptySubsequences: false).map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { return String(pair) }
                let name = String(parts[0]).trimmingSpaces().lowercased()
                guard name == "for" || name == "by" else { return String(pair) }
                return "\(name)=\"\(truncatedNode(String(parts[1]).trimmingSpaces().filter { $0 != "\"" }))\""
            }.joined(separator: ";")
        }.joined(separator: ", ")
    }

    /// An address with an optional port; anything else says too much or nothing.
    private static func truncatedNode(_ node: String) -> String {
        if node.isEmpty || node == "unknown" { return node }
        var host = node
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = String(host[host.index(after: host.startIndex)..<end])
        } else if host.filter({ $0 == ":" }).count == 1, let colon = host.firstIndex(of: ":") {
            host = String(host[..<colon])
        }
        return truncatedAddress(host) ?? PrivacyFilter.replacement
    }

    static func truncatedAddress(_ text: String) -> String? {
        guard let address = IPAddress(text) else { return nil }
        return address.masked(to: address.isVersion4 ? 24 : 48).description
    }
}
