import CLibrary
import CPlatform

/// A file descriptor that is closed when its last reference is released, so that no holder can see its number reused.
package final class Descriptor: Sendable {
    package let number: Int32

    package init(_ number: Int32) {
        self.number = number
    }

    deinit {
        _ = close(number)
    }

    /// The result of a read or a write.
    package enum Transfer: Equatable {
        case bytes(Int)
        case end
        case wouldBlock
        case failed(Int32)
    }

    #if canImport(Darwin)
        private static let sendFlags = MSG_DONTWAIT
    #else
        private static let sendFlags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
    #endif

    /// Reads what has arrived on a socket, without blocking.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            #if canImport(Darwin)
                let count = recv(number, buffer.baseAddress, buffer.count, MSG_DONTWAIT)
            #else
                let count = recv(number, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            #endif
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK: return .wouldBlock
            default: return .failed(errno)
            }
        }
    }

    /// Writes bytes to a socket, without blocking; may write only part of them.
    package func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        while true {
            #if canImport(Darwin)
                let count = Darwin.send(number, bytes.baseAddress, bytes.count, Self.sendFlags)
            #elseif canImport(Musl)
                let count = Musl.send(number, bytes.baseAddress, bytes.count, Self.sendFlags)
            #else
                let count = Glibc.send(number, bytes.baseAddress, bytes.count, Self.sendFlags)
            #endif
            if count >= 0 { return .bytes(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK: return .wouldBlock
            default: return .failed(errno)
            }
        }
    }

    /// Waits until the descriptor is readable (or writable), or its peer is gone.
    ///
    /// - Returns: false on timeout.
    package func wait(toWrite: Bool, milliseconds: Int) -> Bool {
        let deadline = SystemClock.milliseconds() &+ milliseconds
        while true {
            let left = deadline &- SystemClock.milliseconds()
            var watched = pollfd(fd: number, events: Int16(toWrite ? POLLOUT : POLLIN), revents: 0)
            let count = poll(&watched, 1, Int32(clamping: max(0, left)))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return true }
            if left <= 0 { return false }
        }
    }

    /// Prepares the connections that this listening socket accepts, which inherit its options; a no-op for Unix sockets.
    ///
    /// Without `TCP_NODELAY`, a second write waits for the peer's delayed acknowledgement of the first, up to 40 ms.
    /// `TCP_NOTSENT_LOWAT` keeps the system from buffering megabytes for each client that does not read.
    package func prepareAcceptedSockets() {
        for (option, value) in [(TCP_NODELAY, 1), (TCP_NOTSENT_LOWAT, 128 << 10)] as [(Int32, Int32)] {
            var value = value
            _ = setsockopt(number, Int32(IPPROTO_TCP), option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// Shuts down the sending side; the peer can still send.
    package func shutDownWriting() {
        _ = shutdown(number, Int32(SHUT_WR))
    }

    /// Shuts down both directions. The number stays in use until the last reference is released.
    package func shutDown() {
        _ = shutdown(number, Int32(SHUT_RDWR))
    }

    /// Whether the peer has yet to read (Unix sockets) or acknowledge (TCP) something that was sent. False where the
    /// system doesn't report it.
    package var hasUnreadOutput: Bool { cplatform_unread_output(number) > 0 }

    /// Whether the connection is closed in both directions or broken, as far as the system can tell.
    package var isPeerGone: Bool {
        var watched = pollfd(fd: number, events: 0, revents: 0)
        guard poll(&watched, 1, 0) > 0 else { return false }
        return Int32(watched.revents) & Int32(POLLHUP | POLLERR) != 0
    }
}

/// A pipe that wakes a waiting thread; both ends are non-blocking.
package final class WakePipe: Sendable {
    package let readEnd: Descriptor
    package let writeEnd: Descriptor

    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError(call: "pipe") }
        readEnd = Descriptor(ends[0])
        writeEnd = Descriptor(ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
        }
    }

    /// Writes one byte. If the pipe is full, the reader wakes anyway.
    package func write(_ byte: UInt8) {
        var byte = byte
        _ = CLibrary.write(writeEnd.number, &byte, 1)
    }

    /// Reads what was written, at most 64 bytes.
    @discardableResult
    package func drain() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(readEnd.number, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    /// Reads everything that was written. If bytes are left in a full pipe, some kernels don't report the next write.
    package func drainAll() {
        while drain().count == 64 {}
    }
}

/// A failed system call and its `errno`.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The call's name, as its manual page spells it.
    package let call: String
    /// The value of `errno`.
    package let code: Int32

    package init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    /// Reads `errno`, so it must be called right after the system call.
    package init(call: String) {
        self.init(call: call, code: errno)
    }

    package var description: String {
        // strerror's buffer may be shared between threads, but in glibc, musl and Darwin the text of a known number
        // never changes; the bytes are copied at once.
        guard let text = strerror(code) else { return "\(call): error \(code)" }
        return "\(call): \(String(cString: text))"
    }
}

extension SystemError {
    /// Whether the disk is full, or the user's quota or the process's file size limit is exceeded.
    var isLackOfSpace: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
}

/// Writes all of the given bytes to a file descriptor.
package enum FileOutput {
    /// - Returns: false if writing fails, for example because the other end is closed.
    @discardableResult
    package static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                writeBytes(descriptor, raw.baseAddress.map { $0 + sent }, raw.count - sent)
            }
            if count > 0 { sent += count } else if count == 0 || errno != EINTR { return false }
        }
        return true
    }

    package static func close(_ descriptor: Int32) { closeDescriptor(descriptor) }
}

private func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }

private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
