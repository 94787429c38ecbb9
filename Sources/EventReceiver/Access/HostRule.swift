import CLibrary
import DemoServer
import TrackerCore

/// Decides which requests are answered, by `Host` (RFC 9110, section 7.2) and `Origin` (RFC 6454, section 7).
///
/// A web page can point its own name at this machine (DNS rebinding); its requests then carry that name as the host. So
/// only the names of this machine, the listening address and the allowed names are answered. A page of another origin
/// can also send requests whose responses it can't read; those carry its origin and are refused.
struct HostRule: Sendable {
    private let names: Set<String>
    private let addresses: Set<[UInt8]>
    /// Whether it listens on all addresses. Any literal address is allowed then: DNS rebinding needs a name.
    private let takesAnyAddress: Bool

    /// - Parameters:
    ///   - host: the listening address.
    ///   - allowed: further names and addresses, without ports.
    init(listeningOn host: String, allowed: [String] = []) {
        var names: Set<String> = []
        var addresses: Set<[UInt8]> = []
        for text in allowed + [host] {
            if let address = Self.address(Self.bare(text)) {
                addresses.insert(address)
            } else {
                names.insert(Self.canonical(text))
            }
        }
        takesAnyAddress =
            host.isEmpty || addresses.contains([0, 0, 0, 0]) || addresses.contains([UInt8](repeating: 0, count: 16))
        self.names = names
        self.addresses = addresses
    }

    /// Returns why a request is refused; nil if it is accepted.
    func fault(in request: HTTPRequest) -> String? {
        let hosts = request.headers.filter { $0.name.utf8.count == 4 && $0.name.lowercased() == "host" }
        guard hosts.count == 1, let host = hosts.first?.value, allows(authority: host) else {
            let name = hosts.first.map { Self.shown($0.value) } ?? ""
            return (name.isEmpty ? "the request has no Host" : "Host \(name) is not allowed")
                + "; to allow a name, start the event handler with --allow-host NAME"
        }
        if !request.target.hasPrefix("/"), let scheme = request.target.range(ofScheme: "://") {
            let authority = request.target[scheme...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            guard allows(authority: String(authority)) else { return "the target names another host" }
        }
        if let origin = request.header("Origin"), !Self.isSame(origin: origin, host: host) {
            return "requests from pages of another origin are not accepted"
        }
        // Browsers say which site a request comes from. Only navigation, a person following a link, may come from
        // elsewhere.
        let site = request.header("Sec-Fetch-Site") ?? "none"
        let isNavigation = request.header("Sec-Fetch-Mode") == "navigate" && request.method == "GET"
        if site != "none", site != "same-origin", !isNavigation {
            return "requests from pages of another origin are not accepted"
        }
        return nil
    }

    private func allows(authority: String) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        if let address = Self.address(host) {
            return takesAnyAddress || address.first == 127 && address.count == 4
                || address == [UInt8](repeating: 0, count: 15) + [1] || addresses.contains(address)
        }
        let name = Self.canonical(host)
        return name == "localhost" || name.hasSuffix(".localhost") || names.contains(name)
    }

    /// Whether an origin is `http://` or `https://` and the request's own host: a tunnel in front of this server may
    /// speak TLS.
    private static func isSame(origin: String, host: String) -> Bool {
        let lower = origin.lowercased()
        return lower == "http://" + host.lowercased() || lower == "https://" + host.lowercased()
    }

    /// Returns the host of `host[:port]`; nil if the text is anything else.
    static func host(of authority: String) -> String? {
        guard let host = HostAndPort(authority)?.bareHost else { return nil }
        return authority.hasPrefix("[") && address(host)?.count != 16 ? nil : host
    }

    private static func bare(_ host: String) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }

    /// Returns a name in lowercase, without its trailing dot.
    private static func canonical(_ name: String) -> String {
        (name.hasSuffix(".") ? String(name.dropLast()) : name).lowercased()
    }

    /// Returns the 4 or 16 bytes of a literal IP address; nil if the text is not one.
    private static func address(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: &six) { Array($0) } }
        return nil
    }

    /// Returns a host for use in a message: printable characters only, at most 100.
    private static func shown(_ host: String) -> String {
        let safe = host.unicodeScalars.map { $0.value > 0x20 && $0.value < 0x7F ? Character($0) : "?" }
        return "\"\(String(safe.prefix(100)))\""
    }
}

extension HostRule {
    /// Whether only this machine can reach a listening address.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost"
            || address(bare(host)).map {
                $0.first == 127 && $0.count == 4 || $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1
            } ?? false
    }
}

extension String {
    /// Returns the index after the first `mark`.
    fileprivate func range(ofScheme mark: String) -> String.Index? {
        var rest = self[...]
        while let colon = rest.firstIndex(of: ":") {
            if rest[colon...].hasPrefix(mark) { return index(colon, offsetBy: mark.count) }
            rest = rest[index(after: colon)...]
        }
        return nil
    }
}
