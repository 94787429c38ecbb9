import Synchronization

/// Counts the pages that watch, so that they stay few, and tells them when it is over.
final class LiveClients: Sendable {
    private struct State {
        var count = 0
        var isOver = false
    }

    private let state = Mutex(State())
    static let maximum = 64

    /// - Returns: whether there is room for one more. If so, `leave` has to follow.
    func join() -> Bool {
        state.withLock { state in
            guard state.count < Self.maximum, !state.isOver else { return false }
            state.count += 1
            return true
        }
    }

    func leave() { state.withLock { $0.count -= 1 } }

    func endAll() { state.withLock { $0.isOver = true } }

    var isOver: Bool { state.withLock { $0.isOver } }
    var count: Int { state.withLock { $0.count } }
}
