import Foundation
import TrackerCore

/// One connection through a relay: two sockets, and the bytes in flight each way.
final class RelayLink: SocketMember {
    /// One direction. Edge-triggered: a socket's readiness is remembered until a call would block.
    private struct Way {
        /// Bytes that were received, and when to forward them; no bytes mark the end of the stream.
        struct Parcel {
            var bytes: [UInt8]
            var due: UInt64
        }

        var from: Int32
        var to: Int32
        var isReadable = false
        /// The peer has closed: the end can be read after the remaining bytes, and no further event announces it.
        var isHungUp = false
        var isWritable = false
        var parcels: [Parcel] = []
        /// The first parcel that is not fully sent, and how much of it has been sent.
        var first = 0
        var offset = 0
        var held = 0
        var sawEnd = false
        var isDone = false
        /// When the trickle lets the next bytes pass.
        var notBefore: UInt64 = 0
        /// When the loop will wake this up; 0 if it won't.
        var wakeAt: UInt64 = 0
        var count = 0

        var canRead: Bool { isReadable && !sawEnd && held < RelayLink.mostHeld }

        mutating func dropFirst() {
            first += 1
            offset = 0
            if first > 256, first * 2 > parcels.count {
                parcels.removeFirst(first)
                first = 0
            }
        }
    }

    /// The most bytes held each way; reading pauses beyond it, as a network's buffers are limited too.
    fileprivate static let mostHeld = 8 << 20

    let number: Int
    /// Kept alive, because the loop may reach a link once more after the relay has ended.
    private let core: RelayCore
    private let client: Int32
    private let server: Int32
    private var clientToken: UInt64 = 0
    private var serverToken: UInt64 = 0
    private var conditions: Relay.Conditions
    private var up: Way
    private var down: Way
    private var isClosed = false
    private var serverIsClosed = false

    init(number: Int, client: Int32, server: Int32, core: RelayCore, _ conditions: Relay.Conditions) {
        self.number = number
        self.client = client
        self.server = server
        self.core = core
        self.conditions = conditions
        up = Way(from: client, to: server)
        down = Way(from: server, to: client)
        clientToken = core.loop.watch(client, for: self)
        serverToken = core.loop.watch(server, for: self)
    }

    func set(_ conditions: Relay.Conditions) {
        let wasHalfOpen = self.conditions.isHalfOpen
        self.conditions = conditions
        if wasHalfOpen { self.conditions.isHalfOpen = true }
        work()
    }

    func isReady(_ event: Poller.Event, token: UInt64) {
        // Reading detects an end or an error.
        let canRead = event.isReadable || event.isHangup
        if token == clientToken {
            up.isReadable = up.isReadable || canRead
            up.isHungUp = up.isHungUp || event.isHangup
            down.isWritable = down.isWritable || event.isWritable
        } else {
            down.isReadable = down.isReadable || canRead
            down.isHungUp = down.isHungUp || event.isHangup
            up.isWritable = up.isWritable || event.isWritable
        }
        work()
    }

    func isDue() { work() }

    /// Does everything that can be done now.
    private func work() {
        guard !isClosed, !conditions.isStalled else { return }
        if conditions.isHalfOpen { return swallow() }
        let now = SystemClock.monotonicNanoseconds()
        repeat {
            guard read(&up, now, isUp: true), read(&down, now, isUp: false), write(&up, now), write(&down, now) else {
                return close(byReset: true)
            }
        } while up.canRead || down.canRead
        if up.isDone, down.isDone { return close(byReset: false) }
    }

    /// - Returns: false if the connection must be reset.
    private func read(_ way: inout Way, _ now: UInt64, isUp: Bool) -> Bool {
        let scratch = core.loop.scratch
        let delay = conditions.delay.nanoseconds
        while way.canRead {
            let count = recv(way.from, scratch.baseAddress, scratch.count, 0)
            if count < 0 {
                if errno == EINTR { continue }
                way.isReadable = false
                return errno == EAGAIN
            }
            way.sawEnd = count == 0
            way.count += count
            let isUnderWay = way.first < way.parcels.count
            core.counts.withLock { if isUp { $0.bytesUp += count } else { $0.bytesDown += count } }
            if isUp, let limit = conditions.resetAfter, way.count >= limit { return false }
            var sent = 0
            if count > 0, delay == 0, !isUnderWay, way.isWritable, conditions.trickle == nil {
                sent = max(0, send(way.to, scratch.baseAddress, count, SocketOption.quiet))
                if sent < count { way.isWritable = false }
            }
            if sent < count || count == 0 {
                let bytes = [UInt8](UnsafeRawBufferPointer(rebasing: scratch[sent..<count]))
                way.parcels.append(.init(bytes: bytes, due: now + delay))
                way.held += bytes.count
            }
            // A short read has emptied the socket; new bytes cause a new event.
            if count > 0, count < scratch.count, !way.isHungUp { way.isReadable = false }
        }
        return true
    }

    /// - Returns: false if the connection must be reset.
    private func write(_ way: inout Way, _ now: UInt64) -> Bool {
        while way.first < way.parcels.count {
            let due = max(way.parcels[way.first].due, way.notBefore)
            guard due <= now else {
                wake(&way, at: due)
                return true
            }
            if way.parcels[way.first].bytes.isEmpty {
                shutdown(way.to, Int32(SHUT_WR))
                way.isDone = true
                way.dropFirst()
                continue
            }
            guard way.isWritable else { return true }
            let left = way.parcels[way.first].bytes.count - way.offset
            let length = min(left, conditions.trickle?.bytes ?? left)
            let offset = way.offset
            let sent = way.parcels[way.first].bytes.withUnsafeBytes {
                send(way.to, $0.baseAddress.map { $0 + offset }, length, SocketOption.quiet)
            }
            if sent < 0 {
                if errno == EINTR { continue }
                way.isWritable = false
                return errno == EAGAIN || errno == ENOTCONN
            }
            way.held -= sent
            way.offset += sent
            if way.offset == way.parcels[way.first].bytes.count { way.dropFirst() }
            if let trickle = conditions.trickle { way.notBefore = now + trickle.every.nanoseconds }
        }
        way.parcels.removeAll(keepingCapacity: true)
        way.first = 0
        return true
    }

    private func wake(_ way: inout Way, at time: UInt64) {
        // A pending wake-up is enough if it is not later.
        let now = SystemClock.monotonicNanoseconds()
        guard way.wakeAt <= now || way.wakeAt > time else { return }
        way.wakeAt = time
        core.loop.wake(self, at: time)
    }

    /// Half-open: closes the server's side, and discards the client's bytes.
    private func swallow() {
        if !serverIsClosed {
            serverIsClosed = true
            core.loop.close(server, token: serverToken)
        }
        let scratch = core.loop.scratch
        while up.isReadable {
            let count = recv(client, scratch.baseAddress, scratch.count, 0)
            if count > 0 || (count < 0 && errno == EINTR) { continue }
            up.isReadable = false
            if count == 0 || errno != EAGAIN { close(byReset: false) }
        }
    }

    func close(byReset: Bool) {
        guard !isClosed else { return }
        isClosed = true
        if byReset {
            SocketOption.resetOnClose(client)
            if !serverIsClosed { SocketOption.resetOnClose(server) }
        }
        core.loop.close(client, token: clientToken)
        if !serverIsClosed { core.loop.close(server, token: serverToken) }
        core.ended(self)
    }
}
