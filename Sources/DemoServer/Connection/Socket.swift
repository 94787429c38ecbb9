import CLibrary
import TrackerCore

/// Why a read or write on a socket failed.
package enum SocketEnd: Error {
    /// The peer closed or broke the connection.
    case closed
    /// Nothing arrived, or could be sent, in time.
    case timedOut
}

/// A connected socket on its event loop.
///
/// `@unchecked Sendable`: it is created, used and closed only on its loop's thread, where the task that serves the
/// connection runs; the loop holds it to deliver its events.
final class Socket: @unchecked Sendable {
    let descriptor: Int32
    let loop: EventLoop
    var token: UInt64 = 0
    /// Received bytes that have not been consumed yet.
    var input: [UInt8] = []
    /// Whether the server is waiting for a new request and has received nothing of it.
    var isIdle = false

    private var waiter: UnsafeContinuation<SocketEnd?, Never>?
    private var deadline: UInt64 = 0
    private var interest = Poller.Interest.read
    /// False after a hangup while nothing was waiting: epoll reports hangups even with an empty interest set.
    private var isWatched = true
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

    /// Appends what can be read to `input`, waiting for it if necessary.
    ///
    /// - Parameter timeout: in nanoseconds.
    /// - Returns: why nothing more will come; nil if something was received.
    func tryReceive(timeout: UInt64) async -> SocketEnd? {
        // Checked here because the sweep skips a socket that has just become ready, and on a busy machine one whose
        // input trickles always has.
        guard timeout > 0 else { return .timedOut }
        if isDrained, let end = await wait(for: .read, timeout: timeout) { return end }
        while true {
            let count = recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)
            if count > 0 {
                // The buffer was not filled: another read would find nothing.
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

    /// Sends everything, waiting for the peer to take it if necessary.
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

    /// Whether the peer has closed or reset the connection. Does not block, and consumes no input.
    var isPeerGone: Bool {
        let count = recv(descriptor, loop.scratch.baseAddress, 1, Int32(MSG_PEEK))
        return count == 0 || count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR
    }

    private func wait(for wanted: Poller.Interest, timeout: UInt64) async -> SocketEnd? {
        guard !isEnded else { return .closed }
        if !isWatched {
            isWatched = true
            interest = wanted
            loop.watchAgain(self, wanted)
        } else if interest != wanted {
            interest = wanted
            loop.watch(self, wanted)
        }
        deadline = SystemClock.monotonicNanoseconds() &+ timeout
        return await withUnsafeContinuation { waiter = $0 }
    }

    // MARK: Called by the loop

    func becameReady(_ event: Poller.Event) {
        isDrained = false
        if let waiter {
            self.waiter = nil
            waiter.resume(returning: nil)
        } else if event.isHangup {
            // The client hung up while the handler was running.
            isWatched = false
            loop.unwatch(self)
        } else {
            // The client is sending while the handler runs. Without this, the poller would keep reporting it.
            interest = []
            loop.watch(self, [])
        }
    }

    func sweep(_ now: UInt64) {
        guard let waiter, now >= deadline else {
            // An idle connection needs no buffer.
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

    /// Closes so that the peer can still read the last response: unread input would make the system reset the
    /// connection, so input that still arrives is read and discarded for up to 2 s or 256 KiB.
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
