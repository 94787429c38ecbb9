import Foundation
import TrackerCore

/// A TCP port of 127.0.0.1 that the kernel chose and reserves until this object ends, for a program that must be told
/// where to listen.
///
/// A free port that was found and released is in the ephemeral range, and may be taken before the program binds it. A
/// socket that is bound but doesn't listen keeps others from getting it; on Linux, a program that sets `SO_REUSEADDR`,
/// as servers do, can still listen there (socket(7)).
package final class ReservedPort: Sendable {
    package let number: UInt16
    private let descriptor: Int32

    package init() throws {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, "127.0.0.1", &name.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else {
            let failure = SystemError(call: "bind")
            close(descriptor)
            throw failure
        }
        self.descriptor = descriptor
        number = UInt16(bigEndian: name.sin_port)
    }

    deinit { close(descriptor) }
}
