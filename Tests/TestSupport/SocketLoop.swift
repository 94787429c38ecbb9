import Foundation
import Synchronization
import TrackerCore

/// A member of a `SocketLoop`: one connection, or one direction of it. Used only on the loop's thread.
protocol SocketMember: AnyObject {
    /// - Parameter token: identifies the member's descriptor, as returned by `watch`.
    func isReady(_ event: Poller.Event, token: UInt64)
    /// Called when the time passed to `wake` has come.
    func isDue()
}

/// One thread that accepts connections, polls many sockets, and runs timers of millisecond precision.
///
/// Sockets are watched edge-triggered, so no registration changes while bytes flow.
///
/// `@unchecked Sendable`: everything mutable but the orders is used only on the loop's own thread. Other threads only
/// enqueue orders, which that thread carries out.
final class SocketLoop: @unchecked Sendable {
    typealias Order = @Sendable () -> Void

    let port: UInt16
    private let listener: Int32
    private let reserved: ReservedPort?
    private let poller: Poller
    private let bell: (read: Int32, write: Int32)
    private let orders = Mutex(Orders())

    private struct Orders {
        var waiting: [Order] = []
        var isOver = false
    }

    // Used only on the loop's thread:
    private var members: [UInt64: any SocketMember] = [:]
    private var lastToken: UInt64 = 1
    private var timetable = Timetable<any SocketMember>()
    private var isStopped = false
    /// The receive buffer of all members, so that none is allocated before bytes arrive.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)

    /// - Parameter port: the port to listen on, on 127.0.0.1; 0 lets the system choose, and reserves the port until
    ///   this object ends.
    init(port: UInt16) throws {
        reserved = port == 0 ? try ReservedPort() : nil
        poller = try Poller()
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw SystemError(call: "pipe") }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        bell = (ends[0], ends[1])
        (listener, self.port) = try TestListener.open(port: reserved?.number ?? port)
        try poller.add(listener, token: 0, interest: .read)
        try poller.add(bell.read, token: 1, interest: .read)
    }

    /// Starts the thread.
    ///
    /// - Parameter accepted: called with each new connection, on the loop's thread.
    func start(name: String, accepted: @escaping @Sendable (Int32) -> Void) throws {
        try DetachedThread.start(name: name, stackBytes: 1 << 20) { [self] in run(accepted) }
    }

    deinit { scratch.deallocate() }

    /// Enqueues an order for the loop's thread, and returns at once. A no-op once the thread has ended.
    @discardableResult
    func perform(_ order: @escaping Order) -> Bool {
        orders.withLock { orders in
            guard !orders.isOver else { return false }
            orders.waiting.append(order)
            var byte: UInt8 = 0
            _ = write(bell.write, &byte, 1)
            return true
        }
    }

    /// Runs an order on the loop's thread, and waits for it.
    func performAndWait(_ order: @escaping Order) {
        let done = DispatchSemaphore(value: 0)
        let isOrdered = perform {
            order()
            done.signal()
        }
        if isOrdered { done.wait() }
    }

    /// Ends the thread, which closes the listener. Called on the loop's thread.
    func stop() { isStopped = true }

    /// Watches a descriptor for reading and writing, edge-triggered. Called on the loop's thread.
    func watch(_ descriptor: Int32, for member: any SocketMember) -> UInt64 {
        lastToken += 1
        members[lastToken] = member
        try? poller.add(descriptor, token: lastToken, interest: [.read, .write, .edge])
        return lastToken
    }

    /// Closes a watched descriptor. Called on the loop's thread.
    func close(_ descriptor: Int32, token: UInt64) {
        members[token] = nil
        _ = Foundation.close(descriptor)
    }

    /// Calls `isDue` at a monotonic time in nanoseconds or up to a millisecond later. Called on the loop's thread.
    func wake(_ member: any SocketMember, at time: UInt64) { timetable.add(member, at: time) }

    private func run(_ accepted: (Int32) -> Void) {
        while !isStopped {
            let events = poller.wait(milliseconds: timetable.milliseconds(from: SystemClock.monotonicNanoseconds()))
            for event in events {
                switch event.token {
                case 0:
                    while let connection = try? TCPListener.accept(listener, nonBlocking: true) { accepted(connection) }
                case 1: carryOutOrders()
                default: members[event.token]?.isReady(event, token: event.token)
                }
            }
            for member in timetable.due(at: SystemClock.monotonicNanoseconds()) { member.isDue() }
        }
        members = [:]
        poller.close()
        let left = orders.withLock { orders in
            orders.isOver = true
            for descriptor in [listener, bell.read, bell.write] { _ = Foundation.close(descriptor) }
            return orders.waiting
        }
        // Run the remaining orders here, so that no caller waits forever.
        for order in left { order() }
    }

    private func carryOutOrders() {
        while read(bell.read, scratch.baseAddress, 4096) > 0 {}
        let waiting = orders.withLock { orders in
            defer { orders.waiting = [] }
            return orders.waiting
        }
        for order in waiting { order() }
    }
}

/// A timer wheel of one-millisecond slots: thousands of entries cost no sorting.
///
/// An entry beyond the wheel's length fires too early; its receiver must check the clock.
struct Timetable<Element> {
    private static var slots: UInt64 { 4096 }
    private var ring = [[Element]](repeating: [], count: Int(Self.slots))
    private var count = 0
    /// The next millisecond to check.
    private var next: UInt64 = SystemClock.monotonicNanoseconds() / 1_000_000

    mutating func add(_ element: Element, at time: UInt64) {
        let millisecond = min(max((time + 999_999) / 1_000_000, next), next + Self.slots - 1)
        ring[Int(millisecond % Self.slots)].append(element)
        count += 1
    }

    /// Returns how many milliseconds to wait for the next entry, at most 16; -1 if there is none.
    func milliseconds(from now: UInt64) -> Int32 {
        guard count > 0 else { return -1 }
        for millisecond in next..<(next + 16) where !ring[Int(millisecond % Self.slots)].isEmpty {
            let time = millisecond * 1_000_000
            return time <= now ? 0 : Int32((time - now + 999_999) / 1_000_000)
        }
        return 16
    }

    /// Removes and returns what is due.
    mutating func due(at now: UInt64) -> [Element] {
        let last = now / 1_000_000
        guard count > 0, next <= last else {
            next = max(next, last + 1)
            return []
        }
        var due: [Element] = []
        // After a long pause, each slot is visited once.
        for millisecond in next...min(last, next + Self.slots - 1) {
            let slot = Int(millisecond % Self.slots)
            if ring[slot].isEmpty { continue }
            due += ring[slot]
            ring[slot] = []
        }
        count -= due.count
        next = last + 1
        return due
    }
}

/// Socket options of the test connections.
enum SocketOption {
    static func sendAtOnce(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Makes the next `close` send a reset (RST) instead of an end (FIN).
    static func resetOnClose(_ descriptor: Int32) {
        var linger = Foundation.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Foundation.linger>.size))
    }

    #if canImport(Darwin)
        static let quiet: Int32 = 0
    #else
        static let quiet = Int32(MSG_NOSIGNAL)
    #endif
}
