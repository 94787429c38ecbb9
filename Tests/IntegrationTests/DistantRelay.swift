import Foundation
import Synchronization
import TrackerCore

/// A TCP relay to a port of this machine that adds a round-trip time.
///
/// The kernel completes a connection's handshake at once, so the handshake's round trip is added to the client's first
/// bytes.
final class DistantRelay: Sendable {
    let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let oneWay: Duration
    private let isStopped = Mutex(false)

    /// - Parameter roundTrip: the time from the first byte of a request to the first of an immediate answer.
    init(to target: UInt16, roundTrip: Duration) throws {
        (listener, port) = try TCPListener.open(host: "127.0.0.1", port: 0)
        self.target = target
        oneWay = roundTrip / 2
        Thread.detachNewThread { [self] in accept() }
    }

    func stop() { isStopped.withLock { $0 = true } }

    private func accept() {
        while !isStopped.withLock({ $0 }) {
            var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            poll(&waiting, 1, 20)
            guard let client = try? TCPListener.accept(listener, nonBlocking: false) else { continue }
            guard let server = Self.connect(to: target) else {
                close(client)
                continue
            }
            let open = Mutex(2)
            let end: @Sendable () -> Void = {
                let left = open.withLock { open in
                    open -= 1
                    return open
                }
                guard left == 0 else { return }
                close(client)
                close(server)
            }
            carry(from: client, to: server, first: oneWay * 3, end)
            carry(from: server, to: client, first: oneWay, end)
        }
        close(listener)
    }

    private static func connect(to port: UInt16) -> Int32? {
        #if canImport(Darwin)
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #endif
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &name.sin_addr)
        let code = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Bytes that were read, and when to forward them; no bytes mark the end of the stream.
    private typealias Piece = (due: ContinuousClock.Instant, bytes: [UInt8])

    /// One thread reads and another writes, so that the delays of successive pieces do not add up.
    private func carry(from: Int32, to: Int32, first: Duration, _ end: @escaping @Sendable () -> Void) {
        let pieces = Mutex<[Piece]>([])
        let oneWay = oneWay
        let filled = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            // Later bytes must not overtake the first ones.
            var earliest = ContinuousClock.now
            var delay = first
            while true {
                let count = buffer.withUnsafeMutableBytes { recv(from, $0.baseAddress, $0.count, 0) }
                earliest = max(earliest, .now + delay)
                delay = oneWay
                let piece = (earliest, Array(buffer[..<max(0, count)]))
                pieces.withLock { $0.append(piece) }
                filled.signal()
                if count <= 0 { return }
            }
        }
        Thread.detachNewThread {
            while true {
                filled.wait()
                let piece = pieces.withLock { $0.removeFirst() }
                let left = piece.due - .now
                if left > .zero { Thread.sleep(forTimeInterval: Double(left.nanoseconds) / 1e9) }
                var rest = piece.bytes[...]
                while !rest.isEmpty {
                    #if canImport(Darwin)
                        let flags: Int32 = 0
                    #else
                        let flags = Int32(MSG_NOSIGNAL)
                    #endif
                    let sent = rest.withUnsafeBytes { send(to, $0.baseAddress, $0.count, flags) }
                    guard sent > 0 else { break }
                    rest = rest.dropFirst(sent)
                }
                if piece.bytes.isEmpty || !rest.isEmpty {
                    shutdown(to, Int32(SHUT_WR))
                    return end()
                }
            }
        }
    }
}
