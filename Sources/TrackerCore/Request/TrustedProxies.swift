import CLibrary

/// The proxies whose `X-Forwarded-*` and `Forwarded` header fields are trusted. None by default, because clients can
/// send these fields too.
public enum TrustedProxies: Sendable, Hashable {
    /// The fields are not used for `full_url`.
    case none
    /// The number of proxies between the client and the app, each of which adds to the fields; 1 to 100.
    case count(Int)
    /// The networks that the proxies' addresses are in, such as `10.0.0.0/8` or `::1`.
    case networks([String])

    /// The values that `RA_TRUSTED_PROXIES` accepts, for error messages.
    static let allowed = "a number of proxies, or networks such as 10.0.0.0/8,::1"

    /// Parses `RA_TRUSTED_PROXIES`: a number, or comma-separated networks.
    init?(text: String) {
        if let count = Int(text) {
            guard (0...100).contains(count) else { return nil }
            self = count == 0 ? .none : .count(count)
            return
        }
        let networks = text.split(separator: ",").map { String($0).trimmingSpaces() }.filter { !$0.isEmpty }
        guard !networks.isEmpty, networks.allSatisfy({ IPNetwork($0) != nil }) else { return nil }
        self = .networks(networks)
    }

    /// Whether the count is in range, or every network can be parsed.
    var isValid: Bool {
        switch self {
        case .none: true
        case .count(let count): (1...100).contains(count)
        case .networks(let networks): networks.allSatisfy { IPNetwork($0) != nil }
        }
    }
}

/// The scheme and host that the client used, as reported by trusted proxies.
///
/// The fields are read from the right, where the proxies nearest to the app write; anything further left may come from
/// the client.
struct ForwardedOrigin {
    private let proxies: TrustedProxies
    private let networks: [IPNetwork]

    /// - Returns: nil if no proxy is trusted.
    init?(_ proxies: TrustedProxies) {
        if proxies == .none { return nil }
        self.proxies = proxies
        networks = if case .networks(let texts) = proxies { texts.compactMap { IPNetwork($0) } } else { [] }
    }

    /// Returns the scheme and authority that the client used, as far as trusted proxies report them.
    ///
    /// Reads `Forwarded` only if there is no `X-Forwarded-*` field. Most proxies write only the latter, and pass a
    /// client's `Forwarded` on unchanged.
    func resolve(_ fields: [RequestHeaders.Field], peer: String?) -> (scheme: String?, host: String?) {
        let forwarded = Self.hasUnofficial(fields) ? [] : Self.elements("forwarded", fields).map(Self.parameters)
        let addresses =
            forwarded.isEmpty
            ? Self.elements("x-forwarded-for", fields) : forwarded.map { $0["for"] ?? "" }
        guard let hops = trustedHops(peer: peer, addresses) else { return (nil, nil) }
        if !forwarded.isEmpty {
            // Each proxy adds an element; that of the outermost trusted proxy is `hops` from the right.
            let element = forwarded[max(0, forwarded.count - hops)]
            return (Self.scheme(element["proto"]), Self.host(element["host"]))
        }
        return (
            Self.scheme(Self.fromRight(Self.elements("x-forwarded-proto", fields), hops)),
            Self.host(Self.fromRight(Self.elements("x-forwarded-host", fields), hops))
        )
    }

    /// Whether no proxy can be recognized, because the server does not say who the peer is.
    func lacksPeer(_ snapshot: RequestSnapshot) -> Bool {
        if case .networks = proxies { snapshot.remoteAddress == nil } else { false }
    }

    /// Returns the number of consecutive trusted proxies, from the app outward; nil if the peer is not trusted.
    private func trustedHops(peer: String?, _ addresses: [String]) -> Int? {
        if case .count(let count) = proxies { return count }
        guard let peer, isTrusted(peer) else { return nil }
        var hops = 1
        for address in addresses.reversed() where hops <= addresses.count {
            guard isTrusted(address) else { break }
            hops += 1
        }
        return min(hops, max(1, addresses.count))
    }

    private func isTrusted(_ text: String) -> Bool {
        guard let address = IPAddress(node: text) else { return false }
        return networks.contains { $0.contains(address) }
    }

    private static func hasUnofficial(_ fields: [RequestHeaders.Field]) -> Bool {
        fields.contains { field in
            RequestHeaders.isEqual(field.name, "x-forwarded-for")
                || RequestHeaders.isEqual(field.name, "x-forwarded-proto")
                || RequestHeaders.isEqual(field.name, "x-forwarded-host")
        }
    }

    private static func elements(_ name: StaticString, _ fields: [RequestHeaders.Field]) -> [String] {
        fields.filter { RequestHeaders.isEqual($0.name, name) }
            .flatMap { $0.value.split(separator: ",") }
            .map { String($0).trimmingSpaces() }
    }

    /// Returns the element `hops` from the right, or the first if the list is shorter, because a proxy may replace the
    /// list instead of adding to it.
    private static func fromRight(_ values: [String], _ hops: Int) -> String? {
        values.isEmpty ? nil : values[max(0, values.count - hops)]
    }

    /// Parses the parameters of one element of `Forwarded` (RFC 7239, section 4).
    private static func parameters(_ element: String) -> [String: String] {
        var parameters: [String: String] = [:]
        for pair in element.split(separator: ";") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            parameters[String(parts[0]).trimmingSpaces().lowercased()] =
                String(parts[1]).trimmingSpaces().filter { $0 != "\"" }
        }
        return parameters
    }

    private static func scheme(_ value: String?) -> String? {
        switch value?.lowercased() {
        case "https", "wss": "https"
        case "http", "ws": "http"
        default: nil
        }
    }

    private static func host(_ value: String?) -> String? {
        value.flatMap { HostAndPort($0) == nil ? nil : $0 }
    }
}

/// An IPv4 or IPv6 address.
struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes, in network byte order.
    let bytes: [UInt8]

    var isVersion4: Bool { bytes.count == 4 }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Parses the usual text forms, without a port. An IPv4-mapped IPv6 address counts as IPv4.
    init?(_ text: String) {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: &four) { Array($0) }
            return
        }
        var six = in6_addr()
        // A zone (RFC 4007) is only meaningful on its own host.
        guard inet_pton(AF_INET6, String(text.prefix { $0 != "%" }), &six) == 1 else { return nil }
        let all = withUnsafeBytes(of: &six) { Array($0) }
        bytes = all.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) ? Array(all[12...]) : all
    }

    /// Parses a node of a forwarding field (RFC 7239, section 6): an address, perhaps in quotes or brackets, with an
    /// optional port.
    init?(node: String) {
        var host = node.filter { $0 != "\"" }
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = String(host[host.index(after: host.startIndex)..<end])
        } else if host.filter({ $0 == ":" }).count == 1, let colon = host.firstIndex(of: ":") {
            host = String(host[..<colon])
        }
        self.init(host)
    }

    /// Returns the address with all but the first `bits` bits cleared.
    func masked(to bits: Int) -> IPAddress {
        IPAddress(
            bytes: bytes.enumerated().map { index, byte in
                let kept = max(0, min(8, bits - index * 8))
                return byte & (kept == 0 ? 0 : 0xFF << UInt8(8 - kept))
            })
    }

    var description: String {
        var text = [CChar](repeating: 0, count: 64)
        let family = isVersion4 ? AF_INET : AF_INET6
        let result = bytes.withUnsafeBytes { inet_ntop(family, $0.baseAddress, &text, socklen_t(text.count)) }
        guard result != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A network such as "10.0.0.0/8", or a single address.
struct IPNetwork: Sendable, Hashable {
    private let base: IPAddress
    private let bits: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        let most = address.bytes.count * 8
        guard parts.count == 1 || (Int(parts[1]).map { (0...most).contains($0) } ?? false) else { return nil }
        bits = parts.count == 2 ? Int(parts[1]) ?? most : most
        base = address.masked(to: bits)
    }

    func contains(_ address: IPAddress) -> Bool {
        address.bytes.count == base.bytes.count && address.masked(to: bits) == base
    }
}
