import CLibrary
import TrackerCore

/// The web servers that may connect over TCP, from `FCGI_WEB_SERVER_ADDRS` (FastCGI, section 3.2).
struct AllowedPeers: Sendable {
    /// Numeric addresses; nil allows any.
    private let addresses: Set<String>?

    /// - Parameter list: addresses or host names, separated by commas; nil allows any peer, an empty list none.
    init(_ list: String?, unknown: (String) -> Void = { _ in }) {
        guard let list else {
            addresses = nil
            return
        }
        var addresses: Set<String> = []
        for entry in list.split(separator: ",") {
            let name = String(entry.filter { $0 != " " && $0 != "\t" })
            let found = Self.addresses(of: name)
            if found.isEmpty { unknown(name) }
            addresses.formUnion(found)
        }
        self.addresses = addresses
    }

    static func fromEnvironment(_ log: RateLimitedLog) -> AllowedPeers {
        AllowedPeers(getenv("FCGI_WEB_SERVER_ADDRS").map { String(cString: $0) }) { name in
            log.write("addresses", "\(name) in FCGI_WEB_SERVER_ADDRS can't be resolved to an address")
        }
    }

    /// Returns whether a peer may connect; for a Unix socket, its file permissions decide.
    func mayConnect(_ connection: Descriptor) -> Bool {
        guard let addresses else { return true }
        switch PeerAddress.of(connection.number) {
        case .unix: return true
        case .network(let address): return addresses.contains(Self.unmapped(address))
        case nil: return false
        }
    }

    private static func addresses(of name: String) -> Set<String> {
        guard !name.isEmpty else { return [] }
        var addresses: Set<String> = []
        _ = HostAddresses.forEach(of: name) { info in
            if let address = PeerAddress.numeric(info.ai_addr, info.ai_addrlen) { addresses.insert(unmapped(address)) }
            return true
        }
        return addresses
    }

    /// Converts an IPv4-mapped IPv6 address into the IPv4 address.
    private static func unmapped(_ address: String) -> String {
        address.hasPrefix("::ffff:") && address.contains(".") ? String(address.dropFirst(7)) : address
    }
}
