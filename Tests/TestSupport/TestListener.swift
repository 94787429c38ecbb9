import Foundation
import TrackerCore

/// Opens listening sockets for tests.
package enum TestListener {
    /// Listens on a free port of 127.0.0.1. The caller owns the descriptor.
    package static func open() throws -> (descriptor: Int32, port: UInt16) {
        try TCPListener.open(host: "127.0.0.1", port: 0)
    }

    /// Listens on a port that may have been in use a moment ago. Retries for 10 s: a child that another test has just
    /// forked holds a copy of the old listener until it calls exec.
    package static func open(port: UInt16) throws -> (descriptor: Int32, port: UInt16) {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            do throws(SystemError) {
                return try TCPListener.open(host: "127.0.0.1", port: port)
            } catch {
                guard error.code == EADDRINUSE, ContinuousClock.now < deadline else { throw error }
                usleep(5_000)
            }
        }
    }
}
