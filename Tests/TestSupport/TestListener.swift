import Foundation
import TrackerCore

/// Listening sockets for programs that are given one.
package enum TestListener {
    /// Listens on a free port of 127.0.0.1; the descriptor is the caller's.
    package static func open() throws -> (descriptor: Int32, port: UInt16) {
        try TCPListener.open(host: "127.0.0.1", port: 0)
    }

    /// Listens on a port that was listened on a moment ago, perhaps. A program that another test starts has a copy of that
    /// listener until it becomes the program, so that the port is in use a little longer.
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
