import Synchronization

/// The last so many events in the order in which they came, each with a number that counts up from 0.
///
/// Readers keep the number of the event that they want next, and nothing is kept for them: one that is slow finds that
/// its event has made way, and learns how many it has missed.
final class EventHistory: Sendable {
    /// What a reader gets.
    struct Batch: Sendable {
        var events: [(number: Int, event: KeptEvent)] = []
        /// Events that came after what the reader has seen, and had to make way since.
        var missed = 0
        /// What to ask for next.
        var next = 0
    }

    /// What is kept, in numbers.
    struct Extent: Sendable, Equatable {
        /// The number of the oldest event that is kept.
        var first = 0
        /// The number that the next event gets.
        var end = 0
        /// The oldest event's request time; 0 if there is none.
        var oldest: Int64 = 0
    }

    private struct State {
        /// From `head` on; those before it have made way and are empty.
        var events: [KeptEvent?] = []
        var head = 0
        /// The number of the first in `events`.
        var base = 0
        var bytes = 0
        /// What the store has not written yet.
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
            // Moving the rest is paid for by as many events that came before.
            if head > events.count / 2, head > 64 {
                events.removeFirst(head)
                base += head
                head = 0
            }
        }
    }

    let capacity: Int
    /// How many bytes of events are kept at most, whatever their number.
    static let maximumBytes = 256 << 20

    /// How many bytes of events may wait for a store that can't write.
    static let maximumUnstoredBytes = 64 << 20

    private let state = Mutex(State())
    private let isStored: Bool

    /// - Parameter isStored: whether somebody takes the events, to store them.
    init(capacity: Int, isStored: Bool = false) {
        self.capacity = max(1, capacity)
        self.isStored = isStored
    }

    /// - Parameter isNew: false for events that come from the store.
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

    /// What is kept, in numbers.
    var extent: Extent {
        state.withLock { state in
            let oldest = state.first < state.end ? state.events[state.head] : nil
            return Extent(first: state.first, end: state.end, oldest: oldest?.requestTime ?? 0)
        }
    }

    /// The newest events of a number below the given one, at most so many and about so many bytes; oldest first.
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

    /// The events from a number on, at most so many and about so many bytes.
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

    /// A project's events, oldest first: the last `limit`, or, from a request time on, the first `limit` after it.
    func events(of project: String, limit: Int, after time: Int64?) -> [KeptEvent] {
        state.withLock { state in
            let kept = state.events[state.head...].lazy.compactMap { $0 }.filter { $0.project == project }
            guard let time else { return Array(kept.reversed().prefix(limit)).reversed() }
            return Array(kept.filter { $0.requestTime > time }.prefix(limit))
        }
    }

    // MARK: For the store

    /// Events that are to be written next, and how many had to be given up since the last time.
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

    /// Puts events back that could not be written.
    func putBack(_ events: [KeptEvent]) {
        state.withLock { state in
            let newer = state.unstored
            state.unstored = []
            state.unstoredBytes = 0
            state.keepForStore(events)
            state.keepForStore(newer)
        }
    }

    /// All that are kept, oldest first: a file made of them has everything that waits to be stored.
    func takeAll() -> [KeptEvent] {
        state.withLock { state in
            state.unstored = []
            state.unstoredBytes = 0
            return state.events[state.head...].compactMap { $0 }
        }
    }
}
