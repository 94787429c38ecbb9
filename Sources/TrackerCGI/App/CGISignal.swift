import TrackerCore

/// A point in a request's life at which extensions are called, in the order in which they connected.
///
/// `Receiver` is a function type; see the signals of `CGIApp`.
public final class CGISignal<Receiver: Sendable>: Sendable {
    /// One connected receiver, to disconnect it by.
    public struct Connection: Sendable, Hashable {
        let number: UInt64
    }

    private struct State: Sendable {
        var next: UInt64 = 0
        var receivers: [(number: UInt64, receiver: Receiver)] = []
    }

    private let state = ThreadLock(State())

    init() {}

    /// Calls `receiver` from now on.
    @discardableResult
    public func connect(_ receiver: Receiver) -> Connection {
        state.withLock { state in
            state.next += 1
            state.receivers.append((state.next, receiver))
            return Connection(number: state.next)
        }
    }

    /// Stops calling a receiver. A call that has begun goes on.
    public func disconnect(_ connection: Connection) {
        state.withLock { $0.receivers.removeAll { $0.number == connection.number } }
    }

    /// Calls every receiver; no lock is held meanwhile.
    func send(_ call: (Receiver) -> Void) {
        for entry in state.withLock({ $0.receivers }) { call(entry.receiver) }
    }
}
