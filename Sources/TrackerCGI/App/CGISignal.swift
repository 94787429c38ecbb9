import TrackerCore

/// A point in a request's life at which receivers are called, in the order in which they connected.
///
/// `Receiver` is a function type; see the signals of `CGIApp`.
public final class CGISignal<Receiver: Sendable>: Sendable {
    /// A connected receiver, for `disconnect(_:)`.
    public struct Connection: Sendable, Hashable {
        let number: UInt64
    }

    private struct Receivers: Sendable {
        var next: UInt64 = 0
        var receivers: [(number: UInt64, isNonblocking: Bool, receiver: Receiver)] = []
        var isNonblocking = true
    }

    private let connected = ThreadLock(Receivers())

    init() {}

    /// Connects a receiver.
    ///
    /// - Parameters:
    ///   - isNonblocking: whether `receiver` never blocks, so that it may run on a thread that serves other requests.
    ///     Others run on a thread pool.
    ///   - receiver: called with the signal's arguments.
    @discardableResult
    public func connect(isNonblocking: Bool = false, _ receiver: Receiver) -> Connection {
        connected.withLock { connected in
            connected.next += 1
            connected.receivers.append((connected.next, isNonblocking, receiver))
            connected.isNonblocking = connected.receivers.allSatisfy(\.isNonblocking)
            return Connection(number: connected.next)
        }
    }

    /// Disconnects a receiver. A call in progress continues.
    public func disconnect(_ connection: Connection) {
        connected.withLock { connected in
            connected.receivers.removeAll { $0.number == connection.number }
            connected.isNonblocking = connected.receivers.allSatisfy(\.isNonblocking)
        }
    }

    /// Whether no receiver blocks.
    var isNonblocking: Bool { connected.withLock { $0.isNonblocking } }

    /// Calls every receiver, without holding a lock.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    func send(_ call: (Receiver) -> Void) -> Bool {
        let receivers = connected.withLock { $0.receivers }
        for entry in receivers { call(entry.receiver) }
        return !receivers.isEmpty
    }
}
