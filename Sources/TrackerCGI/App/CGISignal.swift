import TrackerCore

/// A point in a request's life at which receivers are called, in the order in which they connected.
///
/// `Receiver` is a function type; see the signals of `CGIApp`.
public final class CGISignal<Receiver: Sendable>: Sendable {
    /// A connected receiver, for `disconnect(_:)`.
    public struct Connection: Sendable, Hashable {
        let number: UInt64
    }

    private struct Registry: Sendable {
        var next: UInt64 = 0
        var receivers: [(number: UInt64, isQuick: Bool, receiver: Receiver)] = []
        var isQuick = true
    }

    private let registry = ThreadLock(Registry())

    init() {}

    /// Connects a receiver.
    ///
    /// - Parameters:
    ///   - isQuick: `receiver` never blocks, so that it may run on threads which must not block. Others run on threads
    ///     that may.
    ///   - receiver: called with the signal's arguments.
    @discardableResult
    public func connect(isQuick: Bool = false, _ receiver: Receiver) -> Connection {
        registry.withLock { registry in
            registry.next += 1
            registry.receivers.append((registry.next, isQuick, receiver))
            registry.isQuick = registry.receivers.allSatisfy(\.isQuick)
            return Connection(number: registry.next)
        }
    }

    /// Disconnects a receiver. A call in progress continues.
    public func disconnect(_ connection: Connection) {
        registry.withLock { registry in
            registry.receivers.removeAll { $0.number == connection.number }
            registry.isQuick = registry.receivers.allSatisfy(\.isQuick)
        }
    }

    /// No receiver blocks.
    var isQuick: Bool { registry.withLock { $0.isQuick } }

    /// Calls every receiver, without holding a lock.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    func send(_ call: (Receiver) -> Void) -> Bool {
        let receivers = registry.withLock { $0.receivers }
        for entry in receivers { call(entry.receiver) }
        return !receivers.isEmpty
    }
}
