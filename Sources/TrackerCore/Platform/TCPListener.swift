import CLibrary
import CPlatform

/// Opens listening TCP sockets, and takes connections from listening sockets of any kind.
package enum TCPListener {
    /// Takes one waiting connection, closed on exec.
    ///
    /// - Returns: nil where there is none now (`EAGAIN`) or the client has gone already (`ECONNABORTED`, `EINTR`).
    package static func accept(_ listener: Int32, nonBlocking: Bool) throws(SystemError) -> Int32? {
        let connection = cplatform_accept(listener, nonBlocking ? 1 : 0)
        if connection >= 0 { return connection }
        let failure = SystemError(call: "accept")
        switch failure.code {
        case EAGAIN, EWOULDBLOCK, ECONNABORTED, EINTR, EPROTO: return nil
        default: throw failure
        }
    }

    /// Listens on `host:port`, non-blocking and closed on exec.
    ///
    /// - Parameters:
    ///   - host: a name or an address; IPv6 addresses with or without brackets.
    ///   - port: 0 lets the system choose.
    /// - Returns: the descriptor and the port it got.
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
                    // sin_port and sin6_port lie at the same offset.
                    UInt16(bigEndian: $0.pointee.sin_port)
                }
            }
        }
        return (descriptor, port)
    }
}
