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
    /// tokens, keys of well-known services, payment-card numbers, e-mail addresses, and passwords in URLs.
    public var searchesValues = true
    /// What becomes of clients' addresses.
    public var addresses = Addresses.keep

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
