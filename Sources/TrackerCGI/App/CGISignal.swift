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
        var receivers: [(number: UInt64, isQuick: Bool, receiver: Receiver)] = []
        var isQuick = true
    }

    private let state = ThreadLock(Receivers())

    init() {}

    /// Connects a receiver.
    ///
    /// - Parameters:
    ///   - isQuick: `receiver` never blocks, so that it may run on threads which must not block. Others run on threads
    ///     that may.
    ///   - receiver: called with the signal's arguments.
    @discardableResult
    public func connect(isQuick: Bool = false, _ receiver: Receiver) -> Connection {
        state.withLock { state in
            state.next += 1
            state.receivers.append((state.next, isQuick, receiver))
            state.isQuick = state.receivers.allSatisfy(\.isQuick)
            return Connection(number: state.next)
        }
    }

    /// Disconnects a receiver. A call in progress continues.
    public func disconnect(_ connection: Connection) {
        state.withLock { state in
            state.receivers.removeAll { $0.number == connection.number }
            state.isQuick = state.receivers.allSatisfy(\.isQuick)
        }
    }

    /// No receiver blocks.
    var isQuick: Bool { state.withLock { $0.isQuick } }

    /// Calls every receiver, without holding a lock.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    func send(_ call: (Receiver) -> Void) -> Bool {
        let receivers = state.withLock { $0.receivers }
        for entry in receivers { call(entry.receiver) }
        return !receivers.isEmpty
    }
}
