import CLibrary

/// The rules for which parts of a request may leave the host. Hidden values are replaced by `[Filtered]`; names stay,
/// so the backend still sees that they were there.
///
///     configuration.privacy = .strict
///     configuration.privacy.terms = ["customer-number"]
///     configuration.privacy.headers = .allowList(["Accept", "User-Agent"])
///
/// The filter runs on the delivery thread, while the event is encoded.
public struct PrivacyPolicy: Sendable, Hashable {
    /// A rule for one kind of named values: headers, cookies or query parameters.
    public enum Rule: Sendable, Hashable {
        /// Keeps all values.
        case off
        /// Keeps values unless their name contains a sensitive term; see ``PrivacyPolicy/terms``.
        case denyList
        /// Keeps only the values of these names. Ignores case, and treats `-` and `_` as equal.
        case allowList(Set<String>)
    }

    /// How to treat client addresses in `X-Forwarded-For`, `Forwarded`, `X-Real-IP` and similar headers.
    public enum Addresses: String, Sendable, Hashable, CaseIterable {
        /// Keeps them as sent.
        case keep
        /// Keeps 24 bits of IPv4 and 48 of IPv6; replaces what is not an address.
        case truncate
        /// Leaves these headers out.
        case omit
    }

    /// The rule for which path segments stay.
    public enum PathSegments: String, Sendable, Hashable, CaseIterable {
        /// All but those that look like secrets, by themselves or after a keyword such as `reset`.
        case searched
        /// Plain words, and numbers of up to nine digits.
        case harmless
        /// None if the view name is a route template such as `/users/:id`, which replaces the path. Otherwise as
        /// ``harmless``.
        case template
    }

    /// The rule for header values, except those of `Cookie` and `Set-Cookie`.
    public var headers = Rule.denyList
    /// The rule for cookie values, in the `Cookie` field and in the response data.
    public var cookies = Rule.allowList([])
    /// The rule for query values in `full_url`.
    public var queryParameters = Rule.denyList
    /// Additional words that mark a name as sensitive. A word matches whole parts of a name, ignoring case and
    /// separators: `customer-number` matches `X-Customer-Number` and `customerNumber`.
    public var terms: Set<String> = []
    /// Whether kept values are searched for secrets: named values inside them, JWTs, bearer tokens, keys of well-known
    /// services, passwords in URLs, and personal data such as payment card numbers and e-mail addresses. Applies to
    /// path segments, too.
    public var searchesValues = true
    /// How to treat client addresses.
    public var addresses = Addresses.keep
    /// Kinds of personal data to keep although they are recognized by shape.
    public var kept: PersonalData = []
    /// Paths that contain secrets, such as `/reset/*` and `/files/*/download`: each `*` is one segment, which is
    /// replaced in `full_url` and in URLs in headers. A pattern also matches longer paths.
    public var paths: Set<String> = []
    /// The rule for which path segments of `full_url` stay.
    public var pathSegments = PathSegments.searched

    /// Creates the default policy.
    public init() {}

    /// Creates a policy from a preset.
    package init(_ mode: PrivacyMode) {
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
    /// Replaces nothing, as the Python package does.
    public static let none = PrivacyPolicy(.none)
    /// Keeps the values of a few harmless headers, and no query values.
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

/// The presets of ``PrivacyPolicy``, by their names in `RA_PRIVACY`.
package enum PrivacyMode: String, Sendable, Hashable, CaseIterable {
    /// Replaces the values of credentials, cookies and sensitive parameters, and anything that looks like a secret, by
    /// `[Filtered]`; names stay.
    case standard = "default"
    /// Filters nothing, as the Python package does.
    case none
    /// Keeps only the values of a few harmless headers, and no query values.
    case strict
}

/// Kinds of personal data that are recognized by shape. Each can be kept; see ``PrivacyPolicy/kept``.
public struct PersonalData: OptionSet, Sendable, Hashable {
    /// One bit per kind.
    public let rawValue: UInt64

    /// Creates a set from its bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// E-mail addresses (RFC 5321, section 4.1.2; RFC 6531).
    public static let email = PersonalData(rawValue: 1)
    /// Telephone numbers with a `+` and a country code (ITU-T E.164), and any that follow a name such as `phone`.
    public static let phone = PersonalData(rawValue: 2)
    /// International bank account numbers (ISO 13616), by country, length and check digits.
    public static let iban = PersonalData(rawValue: 4)
    /// US Social Security numbers, with their separators.
    public static let ssn = PersonalData(rawValue: 8)
    /// Payment card numbers (ISO/IEC 7812-1), by issuer, length and check digit.
    public static let card = PersonalData(rawValue: 16)

    /// The kinds by their names in `RA_PRIVACY_KEEP`.
    static let named: [(name: String, kind: PersonalData)] = [
        ("email", .email), ("phone", .phone), ("iban", .iban), ("ssn", .ssn), ("card", .card),
    ]
}

/// A ``PrivacyPolicy/Rule`` prepared for lookups.
struct NameRule {
    private let rule: PrivacyPolicy.Rule
    private let allowed: Set<[UInt8]>

    init(_ rule: PrivacyPolicy.Rule) {
        self.rule = rule
        allowed = if case .allowList(let names) = rule { Set(names.map { Self.folded($0.utf8) }) } else { [] }
    }

    /// Whether the rule can hide any value.
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

    /// Returns the values of a URL's query to hide, in order.
    ///
    /// - Parameter start: the position after the `?`.
    func hidden(
        inQuery url: UnsafeBufferPointer<UInt8>, from start: Int, _ automaton: RuleAutomaton
    ) -> [Range<Int>] {
        var hidden: [Range<Int>] = []
        var position = start
        while position < url.count {
            let pairEnd = url[position...].firstIndex(of: UInt8(ascii: "&")) ?? url.count
            let nameEnd = url[position..<pairEnd].firstIndex(of: UInt8(ascii: "=")) ?? pairEnd
            // Only an allow list can tell whether text without a `=` is a name, or a value without a name.
            let isBare = nameEnd == pairEnd && pairEnd > position && !isDenyList
            if isBare || nameEnd + 1 < pairEnd {
                let name = UnsafeBufferPointer(rebasing: url[position..<nameEnd])
                let isHidden =
                    name.contains(UInt8(ascii: "%"))
                    ? hides(PercentEncoding.decode(name), automaton) : hides(name, automaton)
                if isHidden { hidden.append((isBare ? position : nameEnd + 1)..<pairEnd) }
            }
            position = pairEnd + 1
        }
        return hidden
    }

    private static func folded(_ name: some Sequence<UInt8>) -> [UInt8] {
        name.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : ASCII.lowercase($0) }
    }
}

/// Truncates client addresses in the header fields that proxies set.
enum ClientAddresses {
    /// The field names, in lowercase.
    static let headers: Set<String> = [
        "x-forwarded-for", "forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for",
        "cf-connecting-ip", "cf-connecting-ipv6", "cf-pseudo-ipv4", "true-client-ip", "fastly-client-ip",
        "x-appengine-user-ip", "x-azure-clientip", "fly-client-ip", "x-envoy-external-address", "client-ip",
        "remote-addr", "x-remote-addr", "via-ip", "x-remote-ip", "x-forwarded",
    ]

    /// Truncates each element of a list. In `Forwarded` (RFC 7239), truncates the `for` and `by` parameters, keeps `proto`
    /// and `host`, and replaces any other.
    static func truncated(_ value: String) -> String {
        value.split(separator: ",", omittingEmptySubsequences: false).map { element in
            guard element.contains("=") else { return truncatedNode(String(element).trimmingSpaces()) }
            return element.split(separator: ";", omittingEmptySubsequences: false).map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { return truncatedNode(String(pair).trimmingSpaces()) }
                let name = String(parts[0]).trimmingSpaces().lowercased()
                switch name {
                case "for", "by":
                    return "\(name)=\"\(truncatedNode(String(parts[1]).trimmingSpaces().filter { $0 != "\"" }))\""
                case "proto", "host": return String(pair)
                default: return PrivacyFilter.replacement
                }
            }.joined(separator: ";")
        }.joined(separator: ", ")
    }

    /// Truncates an address and drops its port; replaces anything else, except an empty node or `unknown`.
    private static func truncatedNode(_ node: String) -> String {
        if node.isEmpty || node == "unknown" { return node }
        return IPAddress(node: node).map(truncated) ?? PrivacyFilter.replacement
    }

    static func truncatedAddress(_ text: String) -> String? { IPAddress(text).map(truncated) }

    private static func truncated(_ address: IPAddress) -> String {
        address.masked(to: address.isVersion4 ? 24 : 48).description
    }
}
