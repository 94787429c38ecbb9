import Foundation
import Synchronization
import TrackerCore

/// A TCP relay between a client and a server on this machine that simulates a network: it delays, trickles, stalls,
/// falls silent, cuts and resets. One thread serves all connections.
///
/// The kernel accepts a connection before the relay does, so the TCP handshake itself is not delayed; all bytes are,
/// those of TLS included.
package final class Relay: Sendable {
    /// The conditions of a connection. They may change while it is open; bytes in flight keep their time.
    package struct Conditions: Sendable {
        /// The delay of each byte, each way.
        package var delay: Duration
        /// Limits each direction to that many bytes per interval; nil for no limit.
        package var trickle: Trickle?
        /// Nothing is read, and bytes in flight stay where they are, until this is false again.
        package var isStalled: Bool
        /// The client's bytes are read and discarded, and nothing comes back: the client sees a live connection, the
        /// server a closed one. Can't be undone.
        package var isHalfOpen: Bool
        /// A new connection is reset at once.
        package var isRefused: Bool
        /// The number of bytes from the client after which the connection is reset.
        package var resetAfter: Int?

        package struct Trickle: Sendable {
            package var bytes: Int
            package var every: Duration

            package init(bytes: Int, every: Duration) {
                self.bytes = bytes
                self.every = every
            }
        }

        package init(
            delay: Duration = .zero, trickle: Trickle? = nil, isStalled: Bool = false, isHalfOpen: Bool = false,
            isRefused: Bool = false, resetAfter: Int? = nil
        ) {
            self.delay = delay
            self.trickle = trickle
            self.isStalled = isStalled
            self.isHalfOpen = isHalfOpen
            self.isRefused = isRefused
            self.resetAfter = resetAfter
        }
    }

    /// The counters of a relay.
    package struct Counts: Sendable {
        package var accepted = 0
        package var open = 0
        /// The most connections open at the same time.
        package var mostOpen = 0
        /// Bytes received from the client.
        package var bytesUp = 0
        /// Bytes received from the server.
        package var bytesDown = 0
    }

    private let core: RelayCore

    /// - Parameters:
    ///   - port: the server's port on 127.0.0.1.
    ///   - conditions: the conditions of all connections.
    ///   - choose: the conditions of a new connection, by its number from 0; nil for `conditions`.
    package init(
        to port: UInt16, _ conditions: Conditions = Conditions(),
        choose: (@Sendable (_ number: Int) -> Conditions?)? = nil
    ) throws {
        core = try RelayCore(to: port, conditions, choose)
    }

    deinit { core.end() }

    package var port: UInt16 { core.loop.port }
    package var endpoint: String { "http://127.0.0.1:\(port)" }
    package var secureEndpoint: String { "https://127.0.0.1:\(port)" }
    package var counts: Counts { core.counts.withLock { $0 } }

    /// Sets the conditions of all connections, open and new.
    package func set(_ conditions: Conditions) { core.set(conditions, of: nil) }

    /// Sets the conditions of one open connection.
    package func set(_ conditions: Conditions, of number: Int) { core.set(conditions, of: number) }

    /// Closes an open connection, as a server does; nil closes all.
    package func cut(_ number: Int? = nil) { core.finish(number, byReset: false) }

    /// Resets an open connection (RST), both ways; nil resets all.
    package func reset(_ number: Int? = nil) { core.finish(number, byReset: true) }

    /// Closes all connections and stops listening.
    package func stop() { core.end() }
}

/// The state of the relay's thread. `@unchecked Sendable`: everything mutable but `counts` is used only on that thread.
final class RelayCore: @unchecked Sendable {
    let counts = Mutex(Relay.Counts())
    let loop: SocketLoop
    private let target: UInt16
    private var conditions: Relay.Conditions
    private let choose: (@Sendable (Int) -> Relay.Conditions?)?
    private var links: [Int: RelayLink] = [:]

    init(
        to target: UInt16, _ conditions: Relay.Conditions, _ choose: (@Sendable (Int) -> Relay.Conditions?)?
    ) throws {
        self.target = target
        self.conditions = conditions
        self.choose = choose
        loop = try SocketLoop(port: 0)
        try loop.start(name: "relay") { [weak self] connection in
            if let self { accept(connection) } else { close(connection) }
        }
    }

    private func accept(_ client: Int32) {
        let number = counts.withLock { counts in
            counts.accepted += 1
            return counts.accepted - 1
        }
        let conditions = choose?(number) ?? conditions
        guard !conditions.isRefused, let server = connect() else {
            SocketOption.resetOnClose(client)
            close(client)
            return
        }
        counts.withLock { counts in
            counts.open += 1
            counts.mostOpen = max(counts.mostOpen, counts.open)
        }
        SocketOption.sendAtOnce(client)
        links[number] = RelayLink(number: number, client: client, server: server, core: self, conditions)
    }

    private func connect() -> Int32? {
        #if canImport(Glibc)
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        SocketOption.sendAtOnce(descriptor)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = target.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 || errno == EINPROGRESS else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Called when a link has closed its sockets.
    func ended(_ link: RelayLink) {
        links[link.number] = nil
        counts.withLock { $0.open -= 1 }
    }

    func set(_ conditions: Relay.Conditions, of number: Int?) {
        loop.performAndWait { [self] in
            if number == nil { self.conditions = conditions }
            for link in chosen(number) { link.set(conditions) }
        }
    }

    func finish(_ number: Int?, byReset: Bool) {
        loop.performAndWait { [self] in
            for link in chosen(number) { link.close(byReset: byReset) }
        }
    }

    func end() {
        loop.perform { [self] in
            for link in chosen(nil) { link.close(byReset: false) }
            loop.stop()
        }
    }

    private func chosen(_ number: Int?) -> [RelayLink] {
        guard let number else { return Array(links.values) }
        return links[number].map { [$0] } ?? []
    }
}
