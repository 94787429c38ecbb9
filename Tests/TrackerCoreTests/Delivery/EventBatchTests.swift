import Testing

@testable import TrackerCore

@Suite("A batch")
struct EventBatchTests {
    private static func event(_ number: Int, name: EventIdentifier) -> EncodedEvent {
        EncodedEvent(
            sequence: UInt64(number), identifier: name, receivedAt: Int64(number) * 10,
            body: Array(String(repeating: "x", count: number % 7).utf8), queueBytes: number)
    }

    @Test("gives back the events that were put into it", arguments: [0, 1, 2, 500])
    func roundTrip(count: Int) {
        let identifiers = EventIdentifierGenerator()
        let events = (0..<count).map { Self.event($0, name: identifiers.next()) }
        let batch = EventBatch(events)
        #expect(batch.count == count)
        #expect(batch.isEmpty == (count == 0))
        #expect(batch.queueBytes == events.reduce(0) { $0 + $1.queueBytes })
        #expect(batch.sequence == (events.first?.sequence ?? .max))
        #expect(batch.receivedAt == (events.first?.receivedAt ?? 0))
        #expect(batch.bytes == events.flatMap { $0.body + [UInt8(ascii: "\n")] })
        let back = batch.events(identifiers)
        #expect(back.map(\.body) == events.map(\.body))
        #expect(back.map(\.identifier) == events.map(\.identifier))
        #expect(back.map(\.sequence) == events.map(\.sequence))
        #expect(back.map(\.receivedAt) == events.map(\.receivedAt))
        #expect(back.map(\.queueBytes) == events.map(\.queueBytes))
    }

    @Test("names events that travelled without a name once they stand alone")
    func names() {
        var batch = EventBatch()
        for number in 0..<3 {
            batch.append(sequence: UInt64(number), receivedAt: 1, queueBytes: 1) { $0.append(UInt8(number)) }
        }
        let events = batch.events(EventIdentifierGenerator())
        #expect(Set(events.map(\.identifier)).count == 3)
        #expect(events.map(\.body) == [[0], [1], [2]])
    }
}
