import TrackerCore

/// Listening sockets for programs that are given one.
package enum TestListener {
    /// Listens on a free port of 127.0.0.1; the descriptor is the caller's.
    package static func open() throws -> (descriptor: Int32, port: UInt16) {
        try TCPListener.open(host: "127.0.0.1", port: 0)
    }
}
