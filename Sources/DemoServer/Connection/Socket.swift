import CLibrary
import TrackerCore

/// Why a socket stopped.
package enum SocketEnd: Error {
    /// The peer closed or broke the connection.
    case closed
    /// Nothing came, or could be sent, in time.
    case timedOut
}

/// A connected socket on its event loop.
///
/// `@unchecked Sendable`: it is made, used and closed on its loop's thread alone, where the task that serves the
/// connection runs; the loop holds it to tell it of events.
final class Socket: @unchecked Sendable {
    let descriptor: Int32
    let loop: EventLoop
    var token: UInt64 = 0
    /// What was received and not used yet.
    var input: [UInt8] = []
    /// Whether the server waits for a new request, of which nothing has come.
    var isIdle = false

    private var waiter: UnsafeContinuation<SocketEnd?, Never>?
    private var deadline: UInt64 = 0
    private var interest = Poller.Interest.read
    private var isDrained = true
    private var isEnded = false

    init(descriptor: Int32, loop: EventLoop) {
        self.descriptor = descriptor
        self.loop = loop
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        #if canImport(Darwin)
            setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    /// Adds what can be read to `input`; waits for it if need be.
    ///
    /// - Parameter timeout: nanoseconds.
    /// - Returns: why nothing comes any more; nil if something came.
    func tryReceive(timeout: UInt64) async -> SocketEnd? {
        // Not left to the next sweep: it passes over a socket that has just become ready, and one that trickles always
        // has on a busy machine.
        guard timeout > 0 else { return .timedOut }
        if isDrained, let end = await wait(for: .read, timeout: timeout) { return end }
        while true {
            let count = recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)
            if count > 0 {
                // Less than there was room for: the next look would find nothing.
                isDrained = count < loop.scratch.count
                input.append(contentsOf: UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
                return nil
            }
            if count == 0 { return .closed }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK:
                if let end = await wait(for: .read, timeout: timeout) { return end }
            default: return .closed
            }
        }
    }

    /// Sends everything; waits for the peer to take it if need be.
    ///
    /// - Parameter timeout: nanoseconds without progress.
    func send(_ bytes: [UInt8], timeout: UInt64) async throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                sendBytes(descriptor, raw.baseAddress.map { $0 + sent }, raw.count - sent)
            }
            if count > 0 {
                sent += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK:
                if let end = await wait(for: .write, timeout: timeout) { throw end }
            default: throw SocketEnd.closed
            }
        }
    }

    /// Whether the peer has closed the connection, or broken it. Looks without waiting, and takes nothing away.
    var isPeerGone: Bool {
        let count = recv(descriptor, loop.scratch.baseAddress, 1, Int32(MSG_PEEK))
        return count == 0 || count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR
    }

    private func wait(for wanted: Poller.Interest, timeout: UInt64) async -> SocketEnd? {
        guard !isEnded else { return .closed }
        if interest != wanted {
            interest = wanted
            loop.watch(self, wanted)
        }
        deadline = SystemClock.monotonicNanoseconds() &+ timeout
        return await withUnsafeContinuation { waiter = $0 }
    }

    // MARK: Called by the loop

    func becameReady(_ event: Poller.Event, poller: Poller) {
        isDrained = false
        if let waiter {
            self.waiter = nil
            waiter.resume(returning: nil)
        } else {
            // Somebody sends while the handler runs. Without this the poller would report it again and again.
            interest = []
            loop.watch(self, [])
        }
    }

    func sweep(_ now: UInt64) {
        guard let waiter, now >= deadline else {
            // The buffer of a connection that only waits would be memory for nothing.
            if isIdle, input.isEmpty, input.capacity > 0 { input = [] }
            return
        }
        self.waiter = nil
        waiter.resume(returning: .timedOut)
    }

    func endIfIdle() {
        guard isIdle, input.isEmpty else { return }
        isEnded = true
        if let waiter {
            self.waiter = nil
            waiter.resume(returning: .closed)
        }
    }

    /// Closes so that the peer can still read the last answer: what it goes on sending is read and thrown away for a
    /// moment, because unread input would make the system reset the connection.
    func closeGently(drains: Bool) async {
        if drains {
            shutdown(descriptor, Int32(SHUT_WR))
            let patience = Patience(.seconds(2))
            var left = 256 * 1024
            while left > 0 {
                input.removeAll()
                guard await tryReceive(timeout: min(patience.left, 1_000_000_000)) == nil else { break }
                left -= input.count
            }
        }
        loop.unregister(self)
        close(descriptor)
    }
}

private func sendBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Darwin)
        send(descriptor, bytes, count, 0)
    #else
        send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
    #endif
}
