import Testing

@testable import TrackerCore

@Suite("The queue")
struct EventQueueTests {
    private static func request(_ number: Int) -> TrackedRequest {
        .sample(target: "/\(number)", receivedAt: Int64(number), finishedAt: UInt64(number))
    }

    @Test("gives events in the order in which they came", arguments: [1, 63, 64, 65, 1000])
    func order(burst: Int) {
        var queue = EventQueue()
        var backlog = EventBacklog()
        var captured = 0
        var read: [Int64] = []
        for round in 0..<7 {
            for _ in 0..<burst {
                _ = queue.append(Self.request(captured))
                captured += 1
            }
            // Not all of them, so that chunks remain.
            for _ in 0..<(burst * (round + 1) / 8) {
                if backlog.isEmpty { _ = backlog.refill(from: &queue) }
                backlog.readNext { read.append($0.start.receivedAt) }
            }
        }
        while !queue.isEmpty || !backlog.isEmpty {
            if backlog.isEmpty { _ = backlog.refill(from: &queue) }
            #expect(backlog.oldest == UInt64(read.count))
            for _ in 0..<min(50, backlog.count) { backlog.readNext { read.append($0.start.receivedAt) } }
        }
        #expect(read == (0..<Int64(captured)).map { $0 })
        #expect(queue.isEmpty && backlog.oldest == nil)
    }

    @Test("gives a written event to whoever adds the next one, so that the thread that frees it also allocates")
    func givesBack() {
        var queue = EventQueue()
        var backlog = EventBacklog()
        let chunk = EventQueue.chunkSize
        for number in 0..<chunk { #expect(queue.append(Self.request(number)) == nil) }
        #expect(backlog.refill(from: &queue).isEmpty)
        while !backlog.isEmpty { backlog.readNext { _ in } }
        // The backlog still owns the chunk.
        #expect(queue.append(Self.request(chunk)) == nil)
        #expect(backlog.refill(from: &queue).isEmpty)
        let returned = (0..<chunk).map { queue.append(Self.request($0))?.start.receivedAt }
        #expect(Set(returned.compactMap { $0 }) == Set((0..<Int64(chunk))))
        #expect(queue.append(Self.request(0)) == nil)
    }

    @Test("keeps a bounded number of written events, and the reader releases the others")
    func boundsWritten() {
        var queue = EventQueue()
        var backlog = EventBacklog()
        for number in 0..<(100 * EventQueue.chunkSize) { _ = queue.append(Self.request(number)) }
        var released = 0
        while !queue.isEmpty {
            released += backlog.refill(from: &queue).count
            while !backlog.isEmpty { backlog.readNext { _ in } }
        }
        released += backlog.refill(from: &queue).count
        let kept = queue.takeWritten().map(\.count).reduce(0, +)
        #expect(kept <= 512 && kept >= 2 * EventQueue.chunkSize)
        #expect(kept + released == 100 * EventQueue.chunkSize)
        #expect(queue.takeWritten().isEmpty)
    }

    @Test("keeps no chunk of large events that are written")
    func releasesLarge() {
        final class Tied: Sendable {}
        var queue = EventQueue()
        var backlog = EventBacklog()
        weak var tied: Tied?
        do {
            let object = Tied()
            tied = object
            let headers = RequestHeaders(cookie: nil) {
                _ = object
                return []
            }
            _ = queue.append(.sample(headers: headers, contentBytes: 300 << 10))
        }
        #expect(tied != nil)
        _ = backlog.refill(from: &queue)
        backlog.readNext { _ in }
        #expect(tied == nil)
    }
}
