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
        var receivers: [(number: UInt64, isQuick: Bool, receiver: Receiver)] = []
        var isQuick = true
    }

    private let state = ThreadLock(State())

    init() {}

    /// Calls `receiver` from now on.
    ///
    /// - Parameters:
    ///   - isQuick: `receiver` never waits, so that it may be called on threads which must not be held up. Others are
    ///     called on such that may.
    ///   - receiver: called with what the signal says.
    @discardableResult
    public func connect(isQuick: Bool = false, _ receiver: Receiver) -> Connection {
        state.withLock { state in
            state.next += 1
            state.receivers.append((state.next, isQuick, receiver))
            state.isQuick = state.receivers.allSatisfy(\.isQuick)
            return Connection(number: state.next)
        }
    }

    /// Stops calling a receiver. A call that has begun goes on.
    public func disconnect(_ connection: Connection) {
        state.withLock { state in
            state.receivers.removeAll { $0.number == connection.number }
            state.isQuick = state.receivers.allSatisfy(\.isQuick)
        }
    }

    /// None of the receivers waits.
    var isQuick: Bool { state.withLock { $0.isQuick } }

    /// Calls every receiver; no lock is held meanwhile.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    func send(_ call: (Receiver) -> Void) -> Bool {
        let receivers = state.withLock { $0.receivers }
        for entry in receivers { call(entry.receiver) }
        return !receivers.isEmpty
    }
}
