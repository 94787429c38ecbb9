import CLibrary
import TrackerCore

/// A listening socket for web servers.
struct FastCGIListener: Sendable {
    /// Identifies a file by device and inode.
    private struct Identity: Sendable, Equatable {
        var device: UInt64
        var number: UInt64

        init?(path: String) {
            var status = stat()
            guard lstat(path, &status) == 0 else { return nil }
            self.init(status)
        }

        init?(descriptor: Int32) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { return nil }
            self.init(status)
        }

        private init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            number = UInt64(truncatingIfNeeded: status.st_ino)
        }
    }

    let descriptor: Descriptor
    /// Whether no other process accepts connections from this socket.
    let isOwned: Bool
    /// The TCP port; nil for other sockets.
    let port: UInt16?
    /// The file of a Unix socket that this process created.
    private var ownedFile: (path: String, identity: Identity)?

    private init(descriptor: Descriptor, isOwned: Bool, port: UInt16? = nil) {
        self.descriptor = descriptor
        self.isOwned = isOwned
        self.port = port
    }

    /// Returns the sockets that a web server or a process manager passed: descriptor 0 (FastCGI, section 2.2), and
    /// those of `LISTEN_FDS` (sd_listen_fds(3)). They may be shared with other processes, for which they become
    /// non-blocking too.
    static func inherited() -> [FastCGIListener] {
        var listeners: [FastCGIListener] = []
        var known: [Identity] = []
        if StandardDescriptors.isListening(0) {
            // Keep the socket away from child processes, and from code that reads standard input by mistake.
            let copy = fcntl(0, F_DUPFD_CLOEXEC, 3)
            if copy >= 0 {
                listeners.append(FastCGIListener(descriptor: Descriptor(copy), isOwned: false))
                if let identity = Identity(descriptor: copy) { known.append(identity) }
                StandardDescriptors.silence(0)
            }
        }
        for number in StandardDescriptors.passedSockets() {
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
            let identity = Identity(descriptor: number)
            // systemd may pass the same socket both ways.
            if let identity, known.contains(identity) { continue }
            if let identity { known.append(identity) }
            listeners.append(FastCGIListener(descriptor: Descriptor(number), isOwned: false))
        }
        // Another process may take a connection between the poller's event and `accept`, which must not block then.
        for listener in listeners {
            let number = listener.descriptor.number
            _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
        }
        return listeners
    }

    init(_ endpoint: CGIRunMode.Endpoint) throws(SystemError) {
        self =
            switch endpoint {
            case .unix(let path): try .unix(path: path)
            case .tcp(let host, let port): try .tcp(host: host, port: port)
            }
    }

    static func tcp(host: String, port: UInt16) throws(SystemError) -> FastCGIListener {
        let opened = try TCPListener.open(host: host, port: port)
        return FastCGIListener(descriptor: Descriptor(opened.descriptor), isOwned: true, port: opened.port)
    }

    /// Stops listening in this process, whoever still holds the descriptor. Removes a Unix socket's file if this
    /// process created it and no other process has replaced it.
    func close() {
        StandardDescriptors.silence(descriptor.number)
        guard let ownedFile, Identity(path: ownedFile.path) == ownedFile.identity else { return }
        unlink(ownedFile.path)
    }

    /// Listens on a Unix socket with mode 0660: owner and group may connect.
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
        // The umask is process-wide, but nothing else runs yet; a chmod after bind would leave a gap.
        let mask = umask(0o117)
        let isBound = withSocketAddress(&address) { bind(number, $0, $1) } == 0
        let failure = SystemError(call: "bind(\(path))")
        umask(mask)
        guard isBound else { throw failure }
        guard Self.listen(number) else { throw SystemError(call: "listen(\(path))") }
        var listener = FastCGIListener(descriptor: descriptor, isOwned: true)
        if let identity = Identity(path: path) { listener.ownedFile = (path, identity) }
        return listener
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

    /// Removes a stale socket file: only if it is a socket, belongs to this user, and nobody listens on it.
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
        let descriptor = Descriptor(probe)
        defer { withExtendedLifetime(descriptor) {} }
        // A full backlog must not block the start; it means that somebody is listening.
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
}
