/// A rule that excludes requests from tracking: they get no event and no session cookie, and are only counted
/// (``TrackerStatistics/ignored``).
///
///     configuration.ignore = [.healthChecks, .path("/static/*"), .method("OPTIONS")]
public struct IgnoreRule: Sendable {
    private enum Condition: Sendable {
        case pathOrAgent(paths: [WildcardPattern], agents: [WildcardPattern])
        case method(String)
        case custom(@Sendable (RequestSnapshot) -> Bool)
    }

    /// The path's pattern, for validation; nil for other rules.
    let pattern: String?
    private let condition: Condition

    private init(pattern: String? = nil, _ condition: Condition) {
        self.pattern = pattern
        self.condition = condition
    }

    /// Matches requests by their whole path, without the query; `*` matches anything. Case-sensitive.
    ///
    /// - Parameter path: a pattern that begins with a slash or `*`; ``Tracker`` rejects any other.
    public static func path(_ path: String) -> IgnoreRule {
        IgnoreRule(pattern: path, .pathOrAgent(paths: [WildcardPattern(path, ignoresCase: false)], agents: []))
    }

    /// Matches requests by method. Case-sensitive (RFC 9110, section 9.1).
    public static func method(_ method: String) -> IgnoreRule {
        IgnoreRule(.method(method))
    }

    /// Matches requests by their whole user agent; `*` matches anything. Ignores ASCII case.
    public static func userAgent(_ pattern: String) -> IgnoreRule {
        IgnoreRule(.pathOrAgent(paths: [], agents: [WildcardPattern(pattern, ignoresCase: true)]))
    }

    /// Matches requests for which a function returns true.
    ///
    /// - Important: The function runs while the request is served, so it must be fast.
    public static func custom(_ isIgnored: @escaping @Sendable (RequestSnapshot) -> Bool) -> IgnoreRule {
        IgnoreRule(.custom(isIgnored))
    }

    /// Matches health checks of orchestrators and load balancers, by their usual paths and user agents.
    public static let healthChecks: IgnoreRule = {
        let paths = [
            "/health", "/healthz", "/health/*", "/healthcheck", "/health-check", "/livez", "/live", "/readyz", "/ready",
            "/readiness", "/liveness", "/ping", "/up", "/status/health", "/actuator/health*", "/-/healthy",
            "/-/ready", "/_health", "/__health", "/heartbeat", "/__heartbeat__", "/__lbheartbeat__",
        ].flatMap { $0.hasSuffix("*") ? [$0] : [$0, $0 + "/"] }.map { WildcardPattern($0, ignoresCase: false) }
        let agents = [
            "kube-probe/*", "ELB-HealthChecker/*", "GoogleHC/*", "Consul Health Check", "HAProxy*", "Amazon-Route53*",
            "Edge Health Probe*", "Load Balancer Agent*", "Render/*", "Envoy/HC*",
        ].map { WildcardPattern($0, ignoresCase: true) }
        return IgnoreRule(.pathOrAgent(paths: paths, agents: agents))
    }()

    func isMatch(_ request: inout ReadRequest) -> Bool {
        switch condition {
        case .pathOrAgent(let paths, let agents):
            !paths.isEmpty && request.hasPath(matching: paths) || !agents.isEmpty && request.hasAgent(matching: agents)
        case .method(let method): request.snapshot.method == method
        case .custom(let isIgnored): isIgnored(request.snapshot)
        }
    }
}

/// A request and what rules have read of it, because a snapshot may create its target and its fields anew each time.
struct ReadRequest {
    let snapshot: RequestSnapshot
    private(set) lazy var fields = snapshot.headers.fields
    private lazy var target = snapshot.target
    private lazy var agent = RequestHeaders.first("user-agent", in: fields)

    init(_ snapshot: RequestSnapshot) {
        self.snapshot = snapshot
    }

    /// Whether the target up to its query or fragment matches a pattern.
    mutating func hasPath(matching patterns: [WildcardPattern]) -> Bool {
        target.withBytes { bytes in
            let end = bytes.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? bytes.count
            let path = UnsafeBufferPointer(rebasing: bytes[..<end])
            return patterns.contains { $0.matches(path) }
        }
    }

    /// Whether the first user agent matches a pattern.
    mutating func hasAgent(matching patterns: [WildcardPattern]) -> Bool {
        agent?.withBytes { bytes in patterns.contains { $0.matches(bytes) } } ?? false
    }
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
