import CLibrary

/// The addresses that a host's name stands for.
package enum HostAddresses {
    /// Calls a function with each address for a stream socket, in the order in which they are best tried (RFC 6724).
    ///
    /// - Parameters:
    ///   - host: a name or an address; empty: any address of this machine.
    ///   - port: in digits, or a service's name.
    ///   - flags: getaddrinfo's.
    ///   - body: returns whether to go on.
    /// - Returns: false if the host is unknown, or can't be asked for now.
    package static func forEach(
        of host: String, port: String? = nil, flags: Int32 = 0, _ body: (addrinfo) -> Bool
    ) -> Bool {
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        hints.ai_flags = flags
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host.isEmpty ? nil : host, port, &hints, &found) == 0 else { return false }
        defer { freeaddrinfo(found) }
        var candidate = found
        while let info = candidate?.pointee, body(info) { candidate = info.ai_next }
        return true
    }
}

/// The address at the other end of a socket.
package enum PeerAddress: Equatable {
    case unix
    /// An IP address in its numeric form.
    case network(String)

    package static func of(_ descriptor: Int32) -> PeerAddress? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                guard getpeername(descriptor, generic, &length) == 0 else { return nil }
                if Int32(generic.pointee.sa_family) == AF_UNIX { return .unix }
                return numeric(generic, length).map { .network($0) }
            }
        }
    }

    package static func numeric(_ address: UnsafePointer<sockaddr>?, _ length: socklen_t) -> String? {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard getnameinfo(address, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0 else {
            return nil
        }
        return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
