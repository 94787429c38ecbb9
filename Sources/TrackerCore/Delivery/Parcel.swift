/// What travels as one: an event, or several as lines.
///
/// Its lines and its key stay the same for life. Only a parcel that was neither tried nor stored may still grow.
struct Parcel {
    let key: ParcelKey
    /// The JSON of one event; of several, each with a line feed after it.
    private(set) var body: [UInt8] = []
    private(set) var count = 0
    /// What its events count against the queue's bound of bytes; of no meaning once they are on disk.
    private(set) var charge = 0
    /// The number of its oldest event in the order in which events left the queue; the highest for a parcel from disk,
    /// for which nobody waits.
    let sequence: UInt64
    /// When the oldest event was captured: monotonic, and in nanoseconds since 1970.
    let age: UInt64
    let capturedAt: Int64

    /// Where its events are stored, if they are.
    var disk: DiskShare?
    /// How often it was sent.
    var attempts = 0
    /// Failures between which others arrived: it is the parcel then that is at fault, and not the backend.
    var ownFailures = 0
    /// How many parcels had arrived when this one failed last.
    var arrivalsAtLastFailure = 0
    /// When it may be tried again, in monotonic nanoseconds.
    var dueAt: UInt64 = 0
    /// When it was sent last.
    var sentAt: UInt64 = 0
    /// The number under which it is under way.
    var flight: UInt64 = 0

    static let maximumLines = 500
    /// Less than the spool takes, so that the last event still fits.
    static let maximumBytes = 896 << 10

    init(key: ParcelKey, sequence: UInt64, age: UInt64, capturedAt: Int64) {
        self.key = key
        self.sequence = sequence
        self.age = age
        self.capturedAt = capturedAt
    }

    /// A parcel that was stored, by this process or another.
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

    mutating func reserve(_ bytes: Int) { body.reserveCapacity(bytes) }

    /// - Parameters:
    ///   - charge: what the event counts against the queue's bound of bytes.
    ///   - write: appends the event's JSON.
    @inline(__always)
    mutating func append(charge: Int, _ write: (inout [UInt8]) -> Void) {
        if count == 1 { body.append(UInt8(ascii: "\n")) }
        write(&body)
        if count > 0 { body.append(UInt8(ascii: "\n")) }
        count += 1
        self.charge += charge
    }

    /// Takes another's only line, if both may still grow.
    mutating func absorb(_ other: Parcel) {
        append(charge: other.charge) { $0 += other.body }
    }

    // MARK: Dividing

    mutating func update(_ body: (inout Parcel) -> Void) { body(&self) }

    /// The parts that its lines make, each under a key that follows from this one's.
    ///
    /// - Parameter sizes: how many lines each has.
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

/// A record on disk whose events are on their way, as one parcel or in parts.
final class DiskShare {
    let place: SpoolPlace
    /// Parts that are not settled.
    var openParts = 1

    init(_ place: SpoolPlace) {
        self.place = place
    }
}

/// Parcels in order, first in, first out.
struct ParcelLine {
    private var parcels: [Parcel?] = []
    /// Where the first stands; the places before it are empty.
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

    /// Takes the first for which `isMeant`, in time proportional to the number of parcels.
    mutating func take(where isMeant: (Parcel) -> Bool) -> Parcel? {
        let index = (head..<parcels.count).first { parcels[$0].map(isMeant) ?? false }
        guard let index, index > head else { return index.flatMap { _ in popFirst() } }
        return parcels.remove(at: index)
    }

    /// Back to where it was taken from.
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

/// Parcels by the time at which they are due: a binary heap.
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

    /// Takes any for which `isMeant`, in time proportional to the number of parcels.
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

    /// - Parameter body: must not change when a parcel is due.
    mutating func update(_ body: (inout Parcel) -> Void) {
        for index in parcels.indices { body(&parcels[index]) }
    }
}
