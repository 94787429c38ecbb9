import CLibrary

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
