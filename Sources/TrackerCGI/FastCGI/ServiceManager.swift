import CLibrary

/// Reports readiness and shutdown to a process manager with the protocol of sd_notify(3), without its library.
enum ServiceManager {
    static func isReady() { notify("READY=1") }
    static func isStopping() { notify("STOPPING=1") }

    /// Sends one datagram to the socket named by `NOTIFY_SOCKET`; a no-op if there is none or nobody listens.
    private static func notify(_ message: String) {
        guard let name = getenv("NOTIFY_SOCKET") else { return }
        var path = Array(UnsafeBufferPointer(start: name, count: strlen(name))).map { UInt8(bitPattern: $0) }
        // "@" stands for the zero byte that starts an abstract address.
        if path.first == UInt8(ascii: "@") { path[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard !path.isEmpty, path.count < capacity else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        #if canImport(Glibc)
            let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        #else
            let socket = socket(AF_UNIX, SOCK_DGRAM, 0)
        #endif
        guard socket >= 0 else { return }
        defer { _ = close(socket) }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let length = socklen_t(offset + path.count)
        let bytes = Array(message.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = sendto(socket, bytes, bytes.count, 0, generic, length)
            }
        }
    }
}
