import CLibrary
import TrackerCore

/// A socket on which web servers connect.
struct FastCGIListener: Sendable {
    /// Which file a path names.
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
    /// The socket is ours alone: nobody else takes connections from it.
    let isOwned: Bool
    /// The TCP port; nil for anything else.
    let port: UInt16?
    /// The file of a unix socket that we made.
    private var ownedFile: (path: String, identity: Identity)?

    private init(descriptor: Descriptor, isOwned: Bool, port: UInt16? = nil) {
        self.descriptor = descriptor
        self.isOwned = isOwned
        self.port = port
    }

    /// The sockets that a web server or a process manager opened for us: descriptor 0 (FastCGI, section 2.2), and those
    /// of `LISTEN_FDS` (sd_listen_fds(3)). They may be shared with other processes, so their flags stay as they are.
    static func inherited() -> [FastCGIListener] {
        var listeners: [FastCGIListener] = []
        var known: [Identity] = []
        if StandardDescriptors.isListening(0) {
            // Nothing that the app starts, and nothing that it reads by mistake, is to get at the socket.
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
            // systemd may pass one socket both ways.
            if let identity, known.contains(identity) { continue }
            if let identity { known.append(identity) }
            listeners.append(FastCGIListener(descriptor: Descriptor(number), isOwned: false))
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

    /// Ends listening as far as this process goes, whoever still holds the descriptor. Removes the file of a unix socket, if
    /// we made it and no other process has put its own there since.
    func close() {
        StandardDescriptors.silence(descriptor.number)
        guard let ownedFile, Identity(path: ownedFile.path) == ownedFile.identity else { return }
        unlink(ownedFile.path)
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
        let descriptor = Descriptor(probe)
        defer { withExtendedLifetime(descriptor) {} }
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
}
