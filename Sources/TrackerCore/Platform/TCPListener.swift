import CLibrary
import CPlatform

/// Opens listening TCP sockets, and accepts connections from listening sockets of any kind.
package enum TCPListener {
    /// Accepts one pending connection, close-on-exec.
    ///
    /// - Returns: nil if there is none now (`EAGAIN`, `EINTR`) or the client is gone (`ECONNABORTED`, `EPROTO`).
    package static func accept(_ listener: Int32, nonBlocking: Bool) throws(SystemError) -> Int32? {
        let connection = cplatform_accept(listener, nonBlocking ? 1 : 0)
        if connection >= 0 { return connection }
        let failure = SystemError(call: "accept")
        switch failure.code {
        case EAGAIN, EWOULDBLOCK, ECONNABORTED, EINTR, EPROTO: return nil
        default: throw failure
        }
    }

    /// Listens on `host:port`, non-blocking and close-on-exec.
    ///
    /// - Parameters:
    ///   - host: a name or an address; an IPv6 address with or without brackets.
    ///   - port: 0 lets the system choose.
    /// - Returns: the descriptor and the port it is bound to.
    package static func open(
        host: String, port: UInt16, backlog: Int32 = 4096
    ) throws(SystemError) -> (descriptor: Int32, port: UInt16) {
        var bare = host
        if bare.hasPrefix("["), bare.hasSuffix("]") { bare = String(bare.dropFirst().dropLast()) }
        var failure = SystemError(call: "getaddrinfo(\(bare))", code: EADDRNOTAVAIL)
        var opened: (descriptor: Int32, port: UInt16)?
        _ = HostAddresses.forEach(of: bare, port: String(port), flags: AI_PASSIVE | AI_NUMERICSERV) { info in
            do throws(SystemError) {
                opened = try open(info, backlog: backlog)
            } catch {
                failure = error
            }
            return opened == nil
        }
        guard let opened else { throw failure }
        return opened
    }

    private static func open(
        _ info: addrinfo, backlog: Int32
    ) throws(SystemError) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(info.ai_family, info.ai_socktype, info.ai_protocol)
        guard descriptor >= 0 else { throw SystemError(call: "socket") }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        if info.ai_family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size)
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        guard bind(descriptor, info.ai_addr, info.ai_addrlen) == 0 else {
            let failure = SystemError(call: "bind")
            _ = close(descriptor)
            throw failure
        }
        guard listen(descriptor, backlog) == 0 else {
            let failure = SystemError(call: "listen")
            _ = close(descriptor)
            throw failure
        }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> UInt16 in
                guard getsockname(descriptor, generic, &length) == 0 else { return 0 }
                return generic.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    // sin_port and sin6_port have the same offset.
                    UInt16(bigEndian: $0.pointee.sin_port)
                }
            }
        }
        return (descriptor, port)
    }
}

/// Resolves host names to addresses.
package enum HostAddresses {
    /// Calls `body` with each address for a stream socket, in the order to try them (RFC 6724).
    ///
    /// - Parameters:
    ///   - host: a name or an address; empty: any address of this machine.
    ///   - port: a number or a service name.
    ///   - flags: `ai_flags` of getaddrinfo(3).
    ///   - body: returns whether to continue.
    /// - Returns: false if the host is unknown or can't be resolved now.
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
