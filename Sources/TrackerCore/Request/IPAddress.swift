import CLibrary

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
