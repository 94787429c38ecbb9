import Dispatch
import Synchronization
import TrackerCore

/// Writes the events of a history to a store on its own thread, so that a slow disk delays nothing else.
///
/// When the disk is full, it retries twice a second. When the file is removed, it creates a new one from memory. It
/// logs when either begins and ends.
final class StoreWriter: Sendable {
    /// The state of the store, for readers.
    struct Status: Sendable, Equatable {
        var path: String
        /// The current problem; nil if there is none.
        var trouble: String?
        /// The number of events that were not written and never will be.
        var lost = 0
    }

    private struct State: ~Copyable {
        var store: EventStore
        var status: Status
        var isOver = false
    }

    private let history: EventHistory
    private let log: @Sendable (String) -> Void
    /// Held while the file is written. Receiving does not need it.
    private let state: Mutex<State>
    private let shared: Mutex<Status>
    private let bell = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let isOver = Atomic<Bool>(false)

    private static let linesAtOnce = 2000
    private static let look = DispatchTimeInterval.milliseconds(500)

    init(store: consuming EventStore, history: EventHistory, log: @escaping @Sendable (String) -> Void) {
        self.history = history
        self.log = log
        let status = Status(path: store.path)
        shared = Mutex(status)
        state = Mutex(State(store: store, status: status))
    }

    var status: Status { shared.withLock { $0 } }

    func start() throws(SystemError) {
        try DetachedThread.start(name: "store") { [self] in run() }
    }

    /// Signals that there is something to write.
    func ring() { bell.signal() }

    /// Writes what is left, and ends.
    func stop(within limit: DispatchTimeInterval) {
        isOver.store(true, ordering: .relaxed)
        bell.signal()
        _ = ended.wait(timeout: .now() + limit)
    }

    private func run() {
        var isFailing = false
        while true {
            let isLast = isOver.load(ordering: .relaxed)
            // After a failure, wait for the next attempt: further signals only mean that more events are waiting.
            if !isFailing || isLast { _ = bell.wait(timeout: .now() + (isLast ? .milliseconds(0) : Self.look)) }
            if isFailing, !isLast { _ = DispatchSemaphore(value: 0).wait(timeout: .now() + Self.look) }
            isFailing = state.withLock { turn(&$0) }
            if isLast { break }
        }
        ended.signal()
    }

    /// - Returns: whether there is a problem.
    private func turn(_ state: inout State) -> Bool {
        var trouble: String?
        switch state.store.place {
        case .there: trouble = write(&state)
        case .anotherFile:
            trouble = "\(state.store.path) was replaced by another file; events are kept in memory only"
        case .removed:
            do throws(SystemError) {
                if state.status.trouble == nil { log("EventHandler: \(state.store.path) was removed") }
                try state.store.replace(with: history.takeAll())
                log("EventHandler recreated \(state.store.path) with the events in memory")
            } catch {
                trouble = "\(state.store.path) was removed and can't be recreated: \(error)"
            }
        }
        if let trouble, trouble != state.status.trouble { log("EventHandler: \(trouble)") }
        if trouble == nil, state.status.trouble != nil { log("EventHandler writes to \(state.store.path) again") }
        state.status.trouble = trouble
        let status = state.status
        shared.withLock { $0 = status }
        return trouble != nil
    }

    private func write(_ state: inout State) -> String? {
        while true {
            let (events, lost) = history.takeUnstored()
            if lost > 0 {
                state.status.lost += lost
                log("EventHandler could not keep \(lost) events in \(state.store.path)")
            }
            var rest = events[...]
            while !rest.isEmpty {
                if state.store.isFull(for: rest.count) {
                    do throws(SystemError) {
                        try state.store.replace(with: history.takeAll())
                        rest = []
                    } catch {
                        history.putBack(Array(rest))
                        return "can't write to \(state.store.path): \(error)"
                    }
                    break
                }
                let (count, failure) = state.store.append(rest.prefix(Self.linesAtOnce))
                rest = rest.dropFirst(count)
                if let failure {
                    history.putBack(Array(rest))
                    return "can't write to \(state.store.path): \(failure)"
                }
            }
            if events.isEmpty { return nil }
        }
    }
}
