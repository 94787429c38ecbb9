import CLibrary

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
