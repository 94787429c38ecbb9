import Synchronization

/// The most recent events in order of arrival, numbered from 0.
///
/// Readers remember the number of the event they want next; nothing is stored per reader. A slow reader finds its event
/// evicted, and learns how many it missed.
final class EventHistory: Sendable {
    /// The result of a read.
    struct Batch: Sendable {
        var events: [(number: Int, event: KeptEvent)] = []
        /// Events that were evicted before the reader got to them.
        var missed = 0
        /// The number to ask for next.
        var next = 0
    }

    /// The range of the kept events.
    struct Extent: Sendable, Equatable {
        /// The number of the oldest kept event.
        var first = 0
        /// The number of the next event to arrive.
        var end = 0
        /// The oldest kept event's request time; 0 if there is none.
        var oldest: Int64 = 0
    }

    private struct Contents {
        /// The kept events start at `head`; those before it are evicted, and nil.
        var events: [KeptEvent?] = []
        var head = 0
        /// The number of the first element of `events`.
        var base = 0
        var bytes = 0
        /// Events that the store has not taken yet.
        var unstored: [KeptEvent] = []
        var unstoredBytes = 0
        var lost = 0

        var first: Int { base + head }
        var end: Int { base + events.count }

        mutating func keepForStore(_ events: [KeptEvent]) {
            for event in events {
                if unstoredBytes + event.line.count > EventHistory.maximumUnstoredBytes {
                    lost += 1
                } else {
                    unstored.append(event)
                    unstoredBytes += event.line.count
                }
            }
        }

        mutating func dropFirst() {
            bytes -= events[head]?.line.count ?? 0
            events[head] = nil
            head += 1
            // Amortized: each move of the rest follows at least as many evictions.
            if head > events.count / 2, head > 64 {
                events.removeFirst(head)
                base += head
                head = 0
            }
        }
    }

    let capacity: Int
    /// The most bytes of events that are kept, whatever their number.
    static let maximumBytes = 256 << 20

    /// The most bytes of events that may wait for a store that can't write.
    static let maximumUnstoredBytes = 64 << 20

    private let state = Mutex(Contents())
    private let isStored: Bool

    /// - Parameter isStored: whether a store takes the events.
    init(capacity: Int, isStored: Bool = false) {
        self.capacity = max(1, capacity)
        self.isStored = isStored
    }

    /// - Parameter isNew: false for events loaded from the store.
    func append(_ events: [KeptEvent], isNew: Bool = true) {
        state.withLock { state in
            if isStored, isNew { state.keepForStore(events) }
            for event in events {
                state.events.append(event)
                state.bytes += event.line.count
                while state.end - state.first > capacity
                    || (state.bytes > Self.maximumBytes && state.head < state.events.count)
                {
                    state.dropFirst()
                }
            }
        }
    }

    /// The range of the kept events.
    var extent: Extent {
        state.withLock { state in
            let oldest = state.first < state.end ? state.events[state.head] : nil
            return Extent(first: state.first, end: state.end, oldest: oldest?.requestTime ?? 0)
        }
    }

    /// Returns the newest events numbered below `number`, oldest first: at most `limit`, and about `bytes` bytes.
    func read(before number: Int, limit: Int, bytes: Int) -> [(number: Int, event: KeptEvent)] {
        state.withLock { state in
            var found: [(number: Int, event: KeptEvent)] = []
            var size = 0
            var next = min(number, state.end) - 1
            while next >= state.first, found.count < limit, size < bytes {
                if let event = state.events[next - state.base] {
                    found.append((next, event))
                    size += event.line.count
                }
                next -= 1
            }
            return found.reversed()
        }
    }

    /// Returns the events from `number` on: at most `limit`, and about `bytes` bytes.
    func read(from number: Int, limit: Int, bytes: Int) -> Batch {
        state.withLock { state in
            var batch = Batch(missed: max(0, state.first - number), next: max(number, state.first))
            var size = 0
            while batch.next < state.end, batch.events.count < limit, size < bytes {
                if let event = state.events[batch.next - state.base] {
                    batch.events.append((batch.next, event))
                    size += event.line.count
                }
                batch.next += 1
            }
            return batch
        }
    }

    /// Returns a project's events, oldest first: the last `limit`, or the first `limit` after a request time.
    func events(of project: String, limit: Int, after time: Int64?) -> [KeptEvent] {
        state.withLock { state in
            let kept = state.events[state.head...].lazy.compactMap { $0 }.filter { $0.project == project }
            guard let time else { return Array(kept.reversed().prefix(limit)).reversed() }
            return Array(kept.filter { $0.requestTime > time }.prefix(limit))
        }
    }

    // MARK: For the store

    /// Takes the events to write next, and the number of events lost since the last call.
    func takeUnstored() -> (events: [KeptEvent], lost: Int) {
        state.withLock { state in
            defer {
                state.unstored = []
                state.unstoredBytes = 0
                state.lost = 0
            }
            return (state.unstored, state.lost)
        }
    }

    /// Puts back events that could not be written.
    func putBack(_ events: [KeptEvent]) {
        state.withLock { state in
            let newer = state.unstored
            state.unstored = []
            state.unstoredBytes = 0
            state.keepForStore(events)
            state.keepForStore(newer)
        }
    }

    /// Returns all kept events, oldest first, and clears those waiting for the store: a file of all replaces them.
    func takeAll() -> [KeptEvent] {
        state.withLock { state in
            state.unstored = []
            state.unstoredBytes = 0
            return state.events[state.head...].compactMap { $0 }
        }
    }
}
