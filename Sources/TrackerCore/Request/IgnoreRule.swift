/// A rule that excludes requests from tracking: they get no event and no session cookie, and are only counted
/// (``TrackerStatistics/ignored``).
///
///     configuration.ignore = [.healthChecks, .path("/static/*"), .method("OPTIONS")]
public struct IgnoreRule: Sendable {
    /// The path's pattern, for validation; nil for other rules.
    let pattern: String?
    private let matches: @Sendable (RequestSnapshot) -> Bool

    private init(pattern: String? = nil, _ matches: @escaping @Sendable (RequestSnapshot) -> Bool) {
        self.pattern = pattern
        self.matches = matches
    }

    /// Matches requests by their whole path, without the query; `*` matches anything. Case-sensitive.
    ///
    /// - Parameter path: a pattern that begins with a slash or `*`; ``Tracker`` rejects any other.
    public static func path(_ path: String) -> IgnoreRule {
        let pattern = WildcardPattern(path, ignoresCase: false)
        return IgnoreRule(pattern: path) { snapshot in
            var target = snapshot.target
            return target.withUTF8 { bytes in
                let end = bytes.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? bytes.count
                return pattern.matches(UnsafeBufferPointer(rebasing: bytes[..<end]))
            }
        }
    }

    /// Matches requests by method. Case-sensitive (RFC 9110, section 9.1).
    public static func method(_ method: String) -> IgnoreRule {
        IgnoreRule { $0.method == method }
    }

    /// Matches requests by their whole user agent; `*` matches anything. Ignores ASCII case.
    public static func userAgent(_ pattern: String) -> IgnoreRule {
        let pattern = WildcardPattern(pattern, ignoresCase: true)
        return IgnoreRule { snapshot in
            for field in snapshot.headers.fields where RequestHeaders.isEqual(field.name, "user-agent") {
                var value = field.value
                return value.withUTF8 { pattern.matches($0) }
            }
            return false
        }
    }

    /// Matches requests for which a function returns true.
    ///
    /// - Important: The function runs while the request is served, so it must be fast.
    public static func custom(_ isIgnored: @escaping @Sendable (RequestSnapshot) -> Bool) -> IgnoreRule {
        IgnoreRule(isIgnored)
    }

    /// Matches health checks of orchestrators and load balancers, by their usual paths and user agents.
    public static let healthChecks: IgnoreRule = {
        let paths = [
            "/health", "/healthz", "/health/*", "/healthcheck", "/health-check", "/livez", "/live", "/readyz", "/ready",
            "/readiness", "/liveness", "/ping", "/up", "/status/health", "/actuator/health*", "/-/healthy",
            "/-/ready", "/_health", "/__health", "/heartbeat", "/__heartbeat__", "/__lbheartbeat__",
        ].flatMap { $0.hasSuffix("*") ? [$0] : [$0, $0 + "/"] }.map(IgnoreRule.path)
        let agents = [
            "kube-probe/*", "ELB-HealthChecker/*", "GoogleHC/*", "Consul Health Check", "HAProxy*", "Amazon-Route53*",
            "Edge Health Probe*", "Load Balancer Agent*", "Render/*", "Envoy/HC*",
        ].map(IgnoreRule.userAgent)
        return IgnoreRule { snapshot in
            paths.contains { $0.isMatch(snapshot) } || agents.contains { $0.isMatch(snapshot) }
        }
    }()

    func isMatch(_ snapshot: RequestSnapshot) -> Bool { matches(snapshot) }
}

/// A pattern in which `*` matches any number of bytes.
struct WildcardPattern: Sendable {
    private let pattern: [UInt8]
    private let ignoresCase: Bool

    init(_ text: String, ignoresCase: Bool) {
        pattern = ignoresCase ? text.utf8.map(ASCII.lowercase) : Array(text.utf8)
        self.ignoresCase = ignoresCase
    }

    /// Matches without recursion, in time proportional to the product of the lengths at worst.
    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var (position, place) = (0, 0)
        var star: Int?
        var retry = 0
        while position < text.count {
            let byte = text[position]
            let folded = ignoresCase ? ASCII.lowercase(byte) : byte
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = place
                retry = position
                place += 1
            } else if place < pattern.count, pattern[place] == folded {
                position += 1
                place += 1
            } else if let star {
                retry += 1
                position = retry
                place = star + 1
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
