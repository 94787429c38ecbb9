import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The socket on which web servers connect.
struct FastCGIListener: Sendable {
    let descriptor: Descriptor
    /// The file of a unix socket that we made, to be removed at the end.
    let ownedPath: String?
    /// The TCP port; nil for anything else.
    let port: UInt16?

    /// The socket that the web server left us as descriptor 0. It may be shared with other processes, so its flags
    /// stay as they are.
    static func inherited() -> FastCGIListener {
        FastCGIListener(descriptor: Descriptor(0), ownedPath: nil, port: nil)
    }

    static func tcp(host: String, port: UInt16) throws(SystemError) -> FastCGIListener {
        let opened = try TCPListener.open(host: host, port: port)
        return FastCGIListener(descriptor: Descriptor(opened.descriptor), ownedPath: nil, port: opened.port)
    }

    /// Listens on a unix socket, mode 0660: owner and group may connect.
    static func unix(path: String) throws(SystemError) -> FastCGIListener {
        guard var address = address(of: path) else {
            throw SystemError(call: "bind(\(path))", code: ENAMETOOLONG)
        }
        removeStale(path, &address)
        #if canImport(Glibc)
            let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let number = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard number >= 0 else { throw SystemError(call: "socket") }
        let descriptor = Descriptor(number)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
        // The mask is the process's, but nothing else runs yet; a later chmod alone would leave a moment open.
        let mask = umask(0o117)
        let isBound = withSocketAddress(&address) { bind(number, $0, $1) } == 0
        let failure = SystemError(call: "bind(\(path))")
        umask(mask)
        guard isBound else { throw failure }
        guard Self.listen(number) else { throw SystemError(call: "listen(\(path))") }
        return FastCGIListener(descriptor: descriptor, ownedPath: path, port: nil)
    }

    private static func listen(_ number: Int32) -> Bool {
        #if canImport(Darwin)
            Darwin.listen(number, 4096) == 0
        #elseif canImport(Musl)
            Musl.listen(number, 4096) == 0
        #else
            Glibc.listen(number, 4096) == 0
        #endif
    }

    /// Removes a socket that an earlier process left: only if it is a socket, ours, and nobody answers on it.
    private static func removeStale(_ path: String, _ address: inout sockaddr_un) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid() else {
            return
        }
        #if canImport(Glibc)
            let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let probe = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard probe >= 0 else { return }
        defer { _ = close(probe) }
        // A full queue must not hold the start up; it means that somebody is there.
        _ = fcntl(probe, F_SETFL, fcntl(probe, F_GETFL) | O_NONBLOCK)
        if withSocketAddress(&address, { connect(probe, $0, $1) }) != 0, errno == ECONNREFUSED { unlink(path) }
    }

    private static func address(of path: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isFitting = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.utf8.count < room.count, !path.isEmpty, !path.utf8.contains(0) else { return false }
            room.copyBytes(from: path.utf8)
            return true
        }
        return isFitting ? address : nil
    }

    private static func withSocketAddress(
        _ address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// The addresses in `FCGI_WEB_SERVER_ADDRS` (section 3.2); empty if anybody may connect.
    static func allowedPeers() -> [String] {
        guard let list = getenv("FCGI_WEB_SERVER_ADDRS") else { return [] }
        return String(cString: list).split(separator: ",").map { String($0.filter { $0 != " " }) }
    }

    /// True unless a list is given, the connection comes over TCP, and its address is not in the list.
    func mayConnect(_ connection: Descriptor, allowed: [String]) -> Bool {
        if allowed.isEmpty { return true }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: 128)
        let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                getpeername(connection.number, generic, &length) == 0
                    && getnameinfo(generic, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0
            }
        }
        if Int32(address.ss_family) == AF_UNIX { return true }
        let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return isKnown && (allowed.contains(name) || allowed.contains("::ffff:\(name)"))
    }
}
