/// The unit of delivery: an event, or several as lines.
///
/// Its lines and its key never change. Only a parcel that was neither tried nor stored can still grow.
struct Parcel {
    let key: ParcelKey
    /// One event's JSON; or several, each followed by a line feed.
    private(set) var body: [UInt8] = []
    private(set) var count = 0
    /// The bytes that its events count against the queue's limit; meaningless once they are on disk.
    private(set) var charge = 0
    /// The part of it that exceeds the estimates from before the events were written.
    private(set) var excess = 0
    /// The number of its oldest event in the order in which events left the queue; the maximum for a parcel from disk,
    /// for which nobody waits.
    let sequence: UInt64
    /// The time at which the oldest event was captured: in monotonic nanoseconds, and in nanoseconds since 1970.
    let age: UInt64
    let capturedAt: Int64

    /// The record of its events on disk; nil if they are not stored.
    var disk: DiskShare?
    /// How many attempts have failed.
    var attempts = 0
    /// Failures with deliveries of other parcels in between, so that the parcel is at fault, not the backend.
    var ownFailures = 0
    /// How many parcels had been delivered when this one last failed.
    var arrivalsAtLastFailure = 0
    /// When it may be retried, in monotonic nanoseconds.
    var dueAt: UInt64 = 0
    /// When it was last sent.
    var sentAt: UInt64 = 0
    /// Its number in flight.
    var flight: UInt64 = 0

    static let maximumLines = 500
    /// Below the spool's limit, so that the last event still fits.
    static let maximumBytes = 896 << 10

    init(key: ParcelKey, sequence: UInt64, age: UInt64, capturedAt: Int64) {
        self.key = key
        self.sequence = sequence
        self.age = age
        self.capturedAt = capturedAt
    }

    /// Creates a parcel from a stored record, of this process or another.
    init(_ record: SpoolRecord, place: SpoolPlace, age: UInt64) {
        self.init(key: record.key, sequence: .max, age: age, capturedAt: Int64(clamping: record.capturedAt))
        body = record.body
        count = record.eventCount
        disk = DiskShare(place)
    }

    var record: SpoolRecord { SpoolRecord(key: key, capturedAt: UInt64(max(0, capturedAt)), body: body) }

    func payload(_ identifier: UInt64) -> DeliveryPayload {
        DeliveryPayload(
            identifier: identifier, body: body,
            contentType: count == 1 ? DeliveryPayload.jsonType : DeliveryPayload.linesType, key: key, eventCount: count)
    }

    // MARK: Growing

    var isUntouched: Bool { attempts == 0 && disk == nil && key.lines == nil }
    var isFull: Bool { count >= Self.maximumLines || body.count >= Self.maximumBytes }

    /// - Parameter spare: an empty buffer to use.
    mutating func reserve(_ bytes: Int, in spare: consuming [UInt8]) {
        spare.reserveCapacity(bytes)
        body = spare
    }

    /// Takes the body of a settled parcel.
    mutating func takeBody() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &body)
        return taken
    }

    /// - Parameters:
    ///   - charge: the bytes that the event counts against the queue's limit; its JSON counts if it is longer.
    ///   - write: appends the event's JSON.
    @inline(__always)
    mutating func append(charge: Int, _ write: (inout [UInt8]) -> Void) {
        let start = body.count
        appendLine(write)
        let bytes = max(charge, body.count - start)
        self.charge += bytes
        excess += bytes - charge
    }

    @inline(__always)
    private mutating func appendLine(_ write: (inout [UInt8]) -> Void) {
        if count == 1 { body.append(UInt8(ascii: "\n")) }
        write(&body)
        if count > 0 { body.append(UInt8(ascii: "\n")) }
        count += 1
    }

    /// Appends another parcel's only line; both must be untouched.
    mutating func absorb(_ other: Parcel) {
        appendLine { $0 += other.body }
        charge += other.charge
    }

    // MARK: Splitting

    mutating func update(_ body: (inout Parcel) -> Void) { body(&self) }

    /// Splits the parcel into parts, each under a key derived from this one's.
    ///
    /// - Parameter sizes: the number of lines of each part.
    func divided(_ sizes: [Int]) -> [Parcel] {
        guard count > 1 else { return [self] }
        if let disk { disk.openParts += sizes.count - 1 }
        var parts: [Parcel] = []
        var start = 0
        var line = 0
        var chargeLeft = charge
        for size in sizes {
            var end = start
            for _ in 0..<size {
                end = body[end...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? body.count
            }
            var part = Parcel(key: key.part(line..<line + size), sequence: sequence, age: age, capturedAt: capturedAt)
            part.body = Array(body[start..<(size == 1 && end > start ? end - 1 : end)])
            part.count = size
            part.charge = line + size == count ? chargeLeft : charge / count * size
            part.disk = disk
            chargeLeft -= part.charge
            parts.append(part)
            start = end
            line += size
        }
        return parts
    }

    var halves: [Parcel] { divided([count / 2, count - count / 2]) }
    var singles: [Parcel] { divided([Int](repeating: 1, count: count)) }
}

/// A record on disk whose events are being delivered, as one parcel or in parts.
final class DiskShare {
    let place: SpoolPlace
    /// Parts not yet settled.
    var openParts = 1

    init(_ place: SpoolPlace) {
        self.place = place
    }
}

/// A first-in, first-out queue of parcels.
struct ParcelQueue {
    private var parcels: [Parcel?] = []
    /// The index of the first parcel; the places before it are empty.
    private var head = 0

    var isEmpty: Bool { head == parcels.count }
    var count: Int { parcels.count - head }
    var first: Parcel? { isEmpty ? nil : parcels[head] }

    mutating func append(_ parcel: consuming Parcel) { parcels.append(parcel) }

    mutating func popFirst() -> Parcel? {
        guard head < parcels.count else { return nil }
        let parcel = parcels[head].take()
        head += 1
        if head == parcels.count {
            parcels.removeAll(keepingCapacity: parcels.count <= 64)
            head = 0
        } else if head >= 1_024, head * 2 > parcels.count {
            parcels.removeFirst(head)
            head = 0
        }
        return parcel
    }

    /// Takes the first parcel for which `isMeant` is true, in linear time.
    mutating func take(where isMeant: (Parcel) -> Bool) -> Parcel? {
        let index = (head..<parcels.count).first { parcels[$0].map(isMeant) ?? false }
        guard let index, index > head else { return index.flatMap { _ in popFirst() } }
        return parcels.remove(at: index)
    }

    /// Puts a parcel back at the front.
    mutating func putBack(_ parcel: consuming Parcel) {
        if head > 0 {
            head -= 1
            parcels[head] = parcel
        } else {
            parcels.insert(parcel, at: 0)
        }
    }

    func forEach(_ body: (borrowing Parcel) -> Void) {
        for place in head..<parcels.count { if let parcel = parcels[place] { body(parcel) } }
    }

    mutating func update(_ body: (inout Parcel) -> Void) {
        for place in head..<parcels.count { parcels[place]?.update(body) }
    }
}

/// A binary heap of parcels by due time.
struct ParcelHeap {
    private var parcels: [Parcel] = []

    var isEmpty: Bool { parcels.isEmpty }
    var count: Int { parcels.count }
    var first: Parcel? { parcels.first }

    mutating func insert(_ parcel: consuming Parcel) {
        parcels.append(parcel)
        var child = parcels.count - 1
        while child > 0, parcels[child].dueAt < parcels[(child - 1) / 2].dueAt {
            parcels.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst() -> Parcel? {
        guard !parcels.isEmpty else { return nil }
        parcels.swapAt(0, parcels.count - 1)
        let parcel = parcels.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < parcels.count && parcels[child].dueAt < parcels[least].dueAt { least = child }
            guard least != parent else { return parcel }
            parcels.swapAt(parent, least)
            parent = least
        }
    }

    /// Takes any parcel for which `isMeant` is true, and rebuilds the heap.
    mutating func take(where isMeant: (Parcel) -> Bool) -> Parcel? {
        guard let index = parcels.firstIndex(where: isMeant) else { return nil }
        guard index > 0 else { return popFirst() }
        let parcel = parcels.remove(at: index)
        let others = parcels
        parcels.removeAll(keepingCapacity: true)
        for other in others { insert(other) }
        return parcel
    }

    func forEach(_ body: (borrowing Parcel) -> Void) {
        for parcel in parcels { body(parcel) }
    }

    /// - Parameter body: must not change `dueAt`.
    mutating func update(_ body: (inout Parcel) -> Void) {
        for index in parcels.indices { body(&parcels[index]) }
    }
}
