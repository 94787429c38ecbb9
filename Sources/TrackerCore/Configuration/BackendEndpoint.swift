/// The validated address of the backend: `http` or `https`, a host, an optional port and an optional base path.
///
/// A query, a fragment or a user name is not allowed, because it would end up in logs.
public struct BackendEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// The default endpoint, `https://rigidanalytics.com`.
    public static let standard = BackendEndpoint(
        scheme: "https", authority: "rigidanalytics.com", host: "rigidanalytics.com", basePath: "")

    /// `http` or `https`.
    package let scheme: String
    /// Host and port, as given; IPv6 addresses in brackets.
    package let authority: String
    /// The host alone, without brackets.
    package let host: String
    /// The base path; empty, or with a leading slash and without a trailing one.
    package let basePath: String

    private init(scheme: String, authority: String, host: String, basePath: String) {
        self.scheme = scheme
        self.authority = authority
        self.host = host
        self.basePath = basePath
    }

    static let allowed = "an address such as https://example.com or https://example.com:8443/base"

    /// Parses an endpoint; an empty text gives ``standard``.
    ///
    /// - Returns: nil if the text is not a valid endpoint.
    public init?(_ text: String) {
        let trimmed = text.trimmingSpaces()
        guard !trimmed.isEmpty else {
            self = .standard
            return
        }
        guard trimmed.utf8.allSatisfy({ ASCII.isVisible($0) && $0 != 0x22 && $0 != 0x5C }) else { return nil }
        guard let colon = trimmed.firstIndex(of: ":") else { return nil }
        let scheme = trimmed[..<colon].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let afterScheme = trimmed[trimmed.index(after: colon)...]
        guard afterScheme.hasPrefix("//") else { return nil }
        let rest = afterScheme.dropFirst(2)
        guard !rest.contains(where: { "?#@<>{}|^`".contains($0) }) else { return nil }
        let pathStart = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = String(rest[..<pathStart])
        guard let parsed = HostAndPort(authority) else { return nil }
        var path = rest[pathStart...]
        while path.hasSuffix("/") { path = path.dropLast() }
        guard !PercentEncoding.hasInvalidEscape(path.utf8) else { return nil }
        self.init(scheme: scheme, authority: authority, host: parsed.bareHost, basePath: String(path))
    }

    /// Returns an address that is not allowed for a message: without user name and password.
    static func withoutCredentials(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@") else { return text }
        // A password may contain colons and slashes, too.
        let scheme = ["http://", "https://"].first { text[..<at].lowercased().hasPrefix($0) }
        return "\(scheme ?? "")[Filtered]\(text[at...])"
    }

    /// Returns the URL that a project's events are posted to: base path, one slash, percent-encoded project id.
    public func url(projectID: String) -> String {
        "\(scheme)://\(authority)\(basePath)/\(PercentEncoding.encodeComponent(projectID))"
    }

    /// Whether the backend is on this machine, so that plain `http` exposes nothing.
    package var isLoopback: Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host == "::1"
            || (host.hasPrefix("127.") && host.utf8.allSatisfy { ASCII.isDigit($0) || $0 == 0x2E })
    }

    /// The endpoint as a URL, without credentials.
    public var description: String { "\(scheme)://\(authority)\(basePath)" }
}
