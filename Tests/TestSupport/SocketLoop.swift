import Foundation
import Synchronization
import TrackerCore

/// What a `SocketLoop` serves: one connection, or one direction of it. Used by the loop's thread alone.
protocol SocketMember: AnyObject {
    /// - Parameter token: which of the member's descriptors something happened to, as given at registration.
    func isReady(_ event: Poller.Event, token: UInt64)
    /// The time that it asked for has come.
    func isDue()
}

/// One thread that accepts connections, waits for many sockets at once, and keeps their times to the millisecond.
///
/// Sockets are watched edge-triggered, so nothing is registered anew while bytes flow.
///
/// Everything but the orders and the listener's numbers belongs to the loop's own thread, hence the unchecked
/// conformance: other threads only place orders, which that thread carries out.
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

    // Of the loop's thread.
    private var members: [UInt64: any SocketMember] = [:]
    private var lastToken: UInt64 = 1
    private var timetable = Timetable<any SocketMember>()
    private var isStopped = false
    /// For `recv`, so that no memory is asked for before bytes are there.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)

    /// - Parameter port: where to listen on 127.0.0.1; 0 lets the system choose, and keeps the port until this object
    ///   ends.
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

    /// Has the loop's thread do something; returns at once. Does nothing once the thread has ended.
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

    /// Has the loop's thread do something, and waits for it.
    func performAndWait(_ order: @escaping Order) {
        let done = DispatchSemaphore(value: 0)
        let isOrdered = perform {
            order()
            done.signal()
        }
        if isOrdered { done.wait() }
    }

    /// Ends the thread, which closes the listener; on the loop's thread.
    func stop() { isStopped = true }

    /// Watches a descriptor for reading and writing, edge-triggered; on the loop's thread.
    func watch(_ descriptor: Int32, for member: any SocketMember) -> UInt64 {
        lastToken += 1
        members[lastToken] = member
        try? poller.add(descriptor, token: lastToken, interest: [.read, .write, .edge])
        return lastToken
    }

    /// Closes a watched descriptor; on the loop's thread.
    func close(_ descriptor: Int32, token: UInt64) {
        members[token] = nil
        _ = Foundation.close(descriptor)
    }

    /// Calls `isDue` at a monotonic time in nanoseconds or up to a millisecond later; on the loop's thread.
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
        // Nobody waits for an order that nobody carries out.
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

/// Who is to be called when, to the millisecond: a ring of lists, so that thousands of entries cost no sorting.
///
/// An entry that is further away than the ring is long comes too early; whoever gets it looks at the clock.
struct Timetable<Element> {
    private static var slots: UInt64 { 4096 }
    private var ring = [[Element]](repeating: [], count: Int(Self.slots))
    private var count = 0
    /// The next millisecond to look at.
    private var next: UInt64 = SystemClock.monotonicNanoseconds() / 1_000_000

    mutating func add(_ element: Element, at time: UInt64) {
        let millisecond = min(max((time + 999_999) / 1_000_000, next), next + Self.slots - 1)
        ring[Int(millisecond % Self.slots)].append(element)
        count += 1
    }

    /// How long to wait for the next entry at most; -1 if there is none.
    func milliseconds(from now: UInt64) -> Int32 {
        guard count > 0 else { return -1 }
        for millisecond in next..<(next + 16) where !ring[Int(millisecond % Self.slots)].isEmpty {
            let time = millisecond * 1_000_000
            return time <= now ? 0 : Int32((time - now + 999_999) / 1_000_000)
        }
        return 16
    }

    /// Takes out what is due.
    mutating func due(at now: UInt64) -> [Element] {
        let last = now / 1_000_000
        guard count > 0, next <= last else {
            next = max(next, last + 1)
            return []
        }
        var due: [Element] = []
        // After a long pause each slot is looked at once.
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

/// Options of a connection that every one of them gets.
enum SocketOption {
    static func sendAtOnce(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Lets the next `close` send a reset instead of an end.
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
