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

    private struct State {
        /// From `head` on; those before it have made way and are empty.
        var events: [KeptEvent?] = []
        var head = 0
        /// The number of the first in `events`.
        var base = 0
        var bytes = 0

        var first: Int { base + head }
        var end: Int { base + events.count }

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

    private let state = Mutex(State())

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    func append(_ events: [KeptEvent]) {
        state.withLock { state in
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

    /// The number that the next event gets.
    var end: Int { state.withLock { $0.end } }

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

    /// All that are kept, oldest first.
    var all: [KeptEvent] { state.withLock { state in state.events[state.head...].compactMap { $0 } } }
}
