import CLibrary
import CPlatform

/// Waits for many descriptors at once: epoll on Linux, kqueue on Darwin.
///
/// Level-triggered by default. Thread-safe; several threads may wait on one poller if they register with `oneShot` or
/// `edge`.
package struct Poller: Sendable {
    /// The events to watch a descriptor for.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let read = Interest(rawValue: 1)
        package static let write = Interest(rawValue: 2)
        /// Disables the descriptor after one event, until it is re-armed with `modify`.
        package static let oneShot = Interest(rawValue: 4)
        /// Wakes as few as possible of the pollers that watch the descriptor (epoll's `EPOLLEXCLUSIVE`); ignored on
        /// Darwin.
        package static let exclusive = Interest(rawValue: 8)
        /// Reports only what is new since the last report (edge-triggered). Several threads may wait.
        package static let edge = Interest(rawValue: 16)
    }

    /// An event on a watched descriptor.
    package struct Event: Sendable {
        /// The number given at registration.
        package var token: UInt64
        package var isReadable: Bool
        package var isWritable: Bool
        /// The peer has closed the connection or its sending side, or the descriptor has an error.
        package var isHangup: Bool
    }

    private let descriptor: Int32

    package init() throws(SystemError) {
        #if canImport(Darwin)
            descriptor = kqueue()
            guard descriptor >= 0 else { throw SystemError(call: "kqueue") }
        #else
            descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
            guard descriptor >= 0 else { throw SystemError(call: "epoll_create1") }
        #endif
    }

    /// Closes the poller itself; the watched descriptors stay open.
    package func close() {
        _ = CLibrary.close(descriptor)
    }

    #if canImport(Darwin)
        package func add(_ watched: Int32, token: UInt64, interest: Interest) throws(SystemError) {
            try apply(watched, token: token, interest: interest)
        }

        package func modify(_ watched: Int32, token: UInt64, interest: Interest) throws(SystemError) {
            try apply(watched, token: token, interest: interest)
        }

        package func remove(_ watched: Int32) {
            for filter in [EVFILT_READ, EVFILT_WRITE] {
                var change = CLibrary.kevent(
                    ident: UInt(watched), filter: Int16(filter), flags: UInt16(EV_DELETE), fflags: 0, data: 0,
                    udata: nil)
                _ = kevent(descriptor, &change, 1, nil, 0, nil)
            }
        }

        private func apply(_ watched: Int32, token: UInt64, interest: Interest) throws(SystemError) {
            for (filter, wanted) in [
                (EVFILT_READ, interest.contains(.read)), (EVFILT_WRITE, interest.contains(.write)),
            ] {
                var flags = wanted ? EV_ADD | EV_ENABLE : EV_DELETE
                if wanted, interest.contains(.oneShot) { flags |= EV_DISPATCH }
                if wanted, interest.contains(.edge) { flags |= EV_CLEAR }
                var change = CLibrary.kevent(
                    ident: UInt(watched), filter: Int16(filter), flags: UInt16(flags), fflags: 0, data: 0,
                    udata: UnsafeMutableRawPointer(bitPattern: UInt(token)))
                if kevent(descriptor, &change, 1, nil, 0, nil) < 0, wanted {
                    throw SystemError(call: "kevent")
                }
            }
        }

        /// Waits for events or the timeout; returns at most `maximum` events.
        ///
        /// - Parameter milliseconds: -1 waits indefinitely.
        package func wait(milliseconds: Int32, maximum: Int = 256) -> [Event] {
            var limit = timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
            return withUnsafeTemporaryAllocation(of: CLibrary.kevent.self, capacity: maximum) { buffer in
                guard let base = buffer.baseAddress else { return [] }
                let count = kevent(descriptor, nil, 0, base, Int32(maximum), milliseconds < 0 ? nil : &limit)
                return (0..<max(0, Int(count))).map { index in
                    let event = buffer[index]
                    return Event(
                        token: UInt64(UInt(bitPattern: event.udata)), isReadable: Int32(event.filter) == EVFILT_READ,
                        isWritable: Int32(event.filter) == EVFILT_WRITE, isHangup: event.flags & UInt16(EV_EOF) != 0)
                }
            }
        }

        /// Waits for one event, without allocating; nil on timeout or when interrupted by a signal.
        package func waitForOne(milliseconds: Int32) -> Event? {
            var limit = timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
            var event = CLibrary.kevent()
            guard kevent(descriptor, nil, 0, &event, 1, milliseconds < 0 ? nil : &limit) == 1 else { return nil }
            return Event(
                token: UInt64(UInt(bitPattern: event.udata)), isReadable: Int32(event.filter) == EVFILT_READ,
                isWritable: Int32(event.filter) == EVFILT_WRITE, isHangup: event.flags & UInt16(EV_EOF) != 0)
        }
    #else
        // Swift does not import these macros of <sys/epoll.h>; the values are the kernel's ABI.
        private static let peerClosed: UInt32 = 0x2000
        private static let exclusiveFlag: UInt32 = 1 << 28
        private static let oneShotFlag: UInt32 = 1 << 30
        private static let edgeFlag: UInt32 = 1 << 31

        package func add(_ watched: Int32, token: UInt64, interest: Interest) throws(SystemError) {
            try control(EPOLL_CTL_ADD, watched, token: token, interest: interest)
        }

        package func modify(_ watched: Int32, token: UInt64, interest: Interest) throws(SystemError) {
            try control(EPOLL_CTL_MOD, watched, token: token, interest: interest)
        }

        package func remove(_ watched: Int32) {
            var event = epoll_event()
            _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, watched, &event)
        }

        private func control(
            _ operation: Int32, _ watched: Int32, token: UInt64, interest: Interest
        ) throws(SystemError) {
            var event = epoll_event()
            if interest.contains(.read) { event.events |= EPOLLIN.rawValue | Self.peerClosed }
            if interest.contains(.write) { event.events |= EPOLLOUT.rawValue }
            if interest.contains(.oneShot) { event.events |= Self.oneShotFlag }
            if interest.contains(.exclusive) { event.events |= Self.exclusiveFlag }
            if interest.contains(.edge) { event.events |= Self.edgeFlag }
            event.data.u64 = token
            guard epoll_ctl(descriptor, operation, watched, &event) == 0 else {
                throw SystemError(call: "epoll_ctl")
            }
        }

        /// Waits for events or the timeout; returns at most `maximum` events.
        ///
        /// - Parameter milliseconds: -1 waits indefinitely.
        package func wait(milliseconds: Int32, maximum: Int = 256) -> [Event] {
            withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: maximum) { buffer in
                guard let base = buffer.baseAddress else { return [] }
                let count = epoll_wait(descriptor, base, Int32(maximum), milliseconds)
                return (0..<max(0, Int(count))).map { index in
                    let event = buffer[index]
                    return Event(
                        token: event.data.u64, isReadable: event.events & EPOLLIN.rawValue != 0,
                        isWritable: event.events & EPOLLOUT.rawValue != 0,
                        isHangup: event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue | Self.peerClosed) != 0)
                }
            }
        }

        /// Waits for one event, without allocating; nil on timeout or when interrupted by a signal.
        package func waitForOne(milliseconds: Int32) -> Event? {
            var event = epoll_event()
            guard epoll_wait(descriptor, &event, 1, milliseconds) == 1 else { return nil }
            return Event(
                token: event.data.u64, isReadable: event.events & EPOLLIN.rawValue != 0,
                isWritable: event.events & EPOLLOUT.rawValue != 0,
                isHangup: event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue | Self.peerClosed) != 0)
        }
    #endif
}
