import Testing

@testable import TrackerCore

@Suite("A parcel")
struct ParcelTests {
    private static let identifiers = EventIdentifierGenerator()

    private static func parcel(_ lines: [String]) -> Parcel {
        var parcel = Parcel(key: ParcelKey(identifiers.next()), sequence: 7, age: 8, capturedAt: 9)
        for line in lines { parcel.append(charge: line.utf8.count) { $0 += Array(line.utf8) } }
        return parcel
    }

    @Test("is one event as JSON, or several as lines", arguments: [1, 2, 3, 500])
    func body(count: Int) {
        let lines = (0..<count).map { "{\($0)}" }
        let parcel = Self.parcel(lines)
        #expect(parcel.count == count)
        #expect(
            String(decoding: parcel.body, as: UTF8.self) == (count == 1 ? lines[0] : lines.map { $0 + "\n" }.joined()))
        let payload = parcel.payload(3)
        #expect(payload.contentType == (count == 1 ? "application/json" : "application/x-ndjson"))
        #expect(payload.idempotencyKey == parcel.key.text && payload.eventCount == count && payload.identifier == 3)
        #expect(parcel.record.eventCount == count)
    }

    @Test("takes others in as long as it was not sent, and keeps its key")
    func absorb() {
        var parcel = Self.parcel(["a"])
        let key = parcel.key
        parcel.absorb(Self.parcel(["bb"]))
        parcel.absorb(Self.parcel(["ccc"]))
        #expect(parcel.key == key && parcel.count == 3 && parcel.charge == 6 && parcel.isUntouched)
        #expect(String(decoding: parcel.body, as: UTF8.self) == "a\nbb\nccc\n")
        parcel.attempts = 1
        #expect(!parcel.isUntouched)
    }

    @Test("splits in halves down to single events, always with the same keys", arguments: [2, 3, 7, 500])
    func halves(count: Int) {
        func leaves(_ parcel: Parcel) -> [Parcel] { parcel.count == 1 ? [parcel] : parcel.halves.flatMap(leaves) }
        let lines = (0..<count).map { String(repeating: "x", count: $0 % 5) + "\($0)" }
        let parcel = Self.parcel(lines)
        let parts = leaves(parcel)
        #expect(parts.map { String(decoding: $0.body, as: UTF8.self) } == lines)
        #expect(parts.map(\.key.text) == (0..<count).map { "\(parcel.key.text)-\($0)" })
        #expect(parts.reduce(0) { $0 + $1.charge } == parcel.charge)
        #expect(parts.allSatisfy { $0.sequence == 7 && $0.age == 8 && $0.capturedAt == 9 })
        #expect(parcel.singles.map(\.key) == parts.map(\.key))
        #expect(
            parcel.halves.map(\.key.text).first
                == (count > 3 ? "\(parcel.key.text)-0-\(count / 2 - 1)" : "\(parcel.key.text)-0"))
    }

    @Test("holds an event without a byte")
    func empty() {
        let parcel = Self.parcel(["", "", "a"])
        #expect(parcel.singles.map { String(decoding: $0.body, as: UTF8.self) } == ["", "", "a"])
    }
}

@Suite("The outbox")
struct OutboxTests {
    @Test("gives the buffer of a delivered parcel to the next one, and drops the smaller of two")
    func recycles() {
        let outbox = Outbox()
        var delivered = Parcel(key: ParcelKey(Self.identifiers.next()), sequence: 0, age: 0, capturedAt: 0)
        delivered.reserve(100_000, in: [])
        delivered.append(charge: 0) { $0.append(1) }
        let address = delivered.body.withUnsafeBufferPointer { $0.baseAddress }
        let number = outbox.launch(consume delivered)
        var landed = outbox.land(number)
        if let body = landed?.takeBody() { outbox.recycle(body) }
        landed = nil
        outbox.recycle([UInt8](repeating: 0, count: 10))
        var next = Parcel(key: ParcelKey(Self.identifiers.next()), sequence: 0, age: 0, capturedAt: 0)
        next.reserve(50_000, in: outbox.takeSpare())
        #expect(next.body.isEmpty && next.body.capacity >= 100_000)
        next.append(charge: 0) { $0.append(2) }
        #expect(next.body.withUnsafeBufferPointer { $0.baseAddress } == address)
        #expect(outbox.takeSpare().capacity == 0)
    }

    @Test("gets the buffer of a parcel that was delivered")
    func settledBuffer() throws {
        let configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        let mailbox = Mailbox(capacity: 10, maximumBytes: 1 << 20) { _ in true }
        let log = TrackerLog(level: .off, secret: "t", handler: configuration.logHandler)
        let outbox = Outbox()
        let settlement = Settlement(
            configuration: configuration, mailbox: mailbox, outbox: outbox, store: nil, log: log)
        var reporter = DeliveryReporter(log: log, maximumConnections: 1, usage: { nil })
        var parcel = Self.parcel(0)
        parcel.reserve(100_000, in: [])
        let number = outbox.launch(parcel)
        settlement.settle(
            [DeliveryCompletion(identifier: number, outcome: .delivered)], now: 1, maximum: 1, isUrgent: false,
            &reporter)
        #expect(outbox.takeSpare().capacity >= 100_000)
    }

    private static let identifiers = EventIdentifierGenerator()

    private static func parcel(_ sequence: UInt64, dueAt: UInt64 = 0) -> Parcel {
        var parcel = Parcel(key: ParcelKey(identifiers.next()), sequence: sequence, age: 0, capturedAt: 0)
        parcel.append(charge: 10) { $0.append(1) }
        parcel.dueAt = dueAt
        return parcel
    }

    @Test("finds each parcel in flight by its number, once")
    func flights() {
        let outbox = Outbox()
        let numbers = (0..<100).map { outbox.launch(Self.parcel($0)) }
        #expect(outbox.flyingCount == 100 && outbox.flyingBytes == 100 && outbox.flyingEvents == 100)
        for (sequence, number) in numbers.enumerated().shuffled() {
            #expect(outbox.land(number)?.sequence == UInt64(sequence))
            #expect(outbox.land(number) == nil)
        }
        let again = outbox.launch(Self.parcel(7))
        #expect(!numbers.contains(again))
        for number in numbers { #expect(outbox.land(number) == nil) }
        #expect(outbox.land(.max) == nil)
        #expect(outbox.landAll().count == 1 && outbox.isEmpty && outbox.flyingBytes == 0)
    }

    @Test("counts the events in flight that are only in memory, even if they are stored meanwhile")
    func stored() throws {
        let directory = try TemporaryDirectory()
        let spool = try Spool(directory: directory.spool)
        let place = try #require(spool.append(Make.records(1), areOut: true).places.first ?? nil)
        let outbox = Outbox()
        let numbers = (0..<3).map { outbox.launch(Self.parcel($0)) }
        outbox.wait(Self.parcel(3))
        var seen: Set<UInt64> = []
        outbox.updateTried { seen.insert($0.sequence) }
        #expect(seen == [0, 1, 2, 3] && outbox.flyingEvents == 3)
        outbox.updateTried { if $0.sequence == 1 { $0.disk = DiskShare(place) } }
        #expect(outbox.flyingEvents == 2)
        for (number, left) in zip(numbers, [1, 1, 0]) {
            #expect(outbox.land(number) != nil)
            #expect(outbox.flyingEvents == left)
        }
    }

    @Test("releases what waits when it is due, the earliest first")
    func waiting() {
        let outbox = Outbox()
        for due in (1...200).shuffled() { outbox.wait(Self.parcel(UInt64(due), dueAt: UInt64(due))) }
        #expect(outbox.nextDue == 1 && outbox.oldest == 1)
        outbox.releaseDue(now: 50)
        #expect(outbox.due.count == 50 && outbox.nextDue == 51)
        for due in 1...50 { #expect(outbox.due.popFirst()?.dueAt == UInt64(due)) }
        #expect(outbox.takeProbe()?.dueAt == 51)
        outbox.releaseAll()
        #expect(outbox.nextDue == nil && outbox.takeAll().map(\.dueAt) == (52...200).map { UInt64($0) })
    }

    @Test("keeps a line's order, whatever is put back", arguments: [1, 10, 3_000])
    func lines(count: Int) {
        var line = ParcelQueue()
        for number in 0..<count { line.append(Self.parcel(UInt64(number))) }
        for number in 0..<count {
            guard let parcel = line.popFirst() else { break }
            #expect(parcel.sequence == UInt64(number))
            if number % 3 == 0 {
                line.putBack(parcel)
                #expect(line.first?.sequence == UInt64(number))
                _ = line.popFirst()
            }
        }
        #expect(line.isEmpty && line.first == nil)
    }
}
