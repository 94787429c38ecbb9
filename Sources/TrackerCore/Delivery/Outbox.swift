/// Holds parcels from the time they are written until they are settled: ready, in flight, or waiting for a retry.
///
/// Unchecked properties: see ``DeliveryLoop``.
final class Outbox {
    /// Written and never sent.
    @exclusivity(unchecked) var ready = ParcelQueue()
    /// Already on disk, and about to be sent for the first time.
    @exclusivity(unchecked) var staged = ParcelQueue()
    /// To be sent again, or in parts, now.
    @exclusivity(unchecked) var due = ParcelQueue()
    /// To be sent again later.
    @exclusivity(unchecked) private var waiting = ParcelHeap()
    @exclusivity(unchecked) private var flying: [Parcel?] = []
    @exclusivity(unchecked) private var freePlaces: [Int] = []
    @exclusivity(unchecked) private var flights: UInt64 = 0
    @exclusivity(unchecked) private(set) var flyingCount = 0
    @exclusivity(unchecked) private(set) var flyingBytes = 0

    /// The maximum number of stored parcels that wait in memory for a retry; more are left on disk.
    static let maximumWaiting = 4_096
    /// The number of payload bytes in flight at which no more are sent.
    static let maximumFlyingBytes = 32 << 20

    var isEmpty: Bool { flyingCount == 0 && !hasUnsent && waiting.isEmpty }
    /// Whether something may be sent now.
    var hasUnsent: Bool { !ready.isEmpty || !staged.isEmpty || !due.isEmpty }
    var mayFly: Bool { flyingBytes < Self.maximumFlyingBytes }
    var waitingCount: Int { waiting.count }

    /// The buffer of a delivered parcel, for the next one: the allocator would return a block of this size to the
    /// system, which clears its pages when they are used again.
    @exclusivity(unchecked) private var spare: [UInt8] = []

    /// The number of events in flight that are in memory only.
    @exclusivity(unchecked) private(set) var flyingEvents = 0

    // MARK: In flight

    /// - Returns: the number that the parcel's completion carries.
    func launch(_ parcel: consuming Parcel) -> UInt64 {
        flights += 1
        flyingCount += 1
        flyingBytes += parcel.body.count
        if parcel.disk == nil { flyingEvents += parcel.count }
        let place: Int
        if let free = freePlaces.popLast() {
            place = free
            flying[place] = parcel
        } else {
            place = flying.count
            flying.append(parcel)
        }
        // Unique even when a place is reused, so that a late completion can't match another parcel.
        let number = flights << 16 | UInt64(place)
        flying[place]?.flight = number
        return number
    }

    /// - Returns: nil if the number is not in flight.
    func land(_ number: UInt64) -> Parcel? {
        let place = Int(number & 0xFFFF)
        guard flying.indices.contains(place), flying[place]?.flight == number, let parcel = flying[place].take() else {
            return nil
        }
        freePlaces.append(place)
        flyingCount -= 1
        flyingBytes -= parcel.body.count
        if parcel.disk == nil { flyingEvents -= parcel.count }
        return parcel
    }

    /// Takes back everything in flight, the oldest first.
    func landAll() -> [Parcel] {
        let parcels = flying.compactMap { $0 }.sorted { $0.sequence < $1.sequence }
        flying = []
        freePlaces = []
        flyingCount = 0
        flyingBytes = 0
        flyingEvents = 0
        return parcels
    }

    // MARK: Buffers

    func recycle(_ body: consuming [UInt8]) {
        guard body.capacity > spare.capacity, body.capacity <= 2 * Parcel.maximumBytes else { return }
        body.removeAll(keepingCapacity: true)
        spare = body
    }

    func takeSpare() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &spare)
        return taken
    }

    // MARK: Waiting

    func wait(_ parcel: consuming Parcel) { waiting.insert(parcel) }

    /// The time at which the first waiting parcel is due.
    var nextDue: UInt64? { waiting.first?.dueAt }

    func releaseDue(now: UInt64) {
        while let first = waiting.first, first.dueAt <= now, let parcel = waiting.popFirst() { due.append(parcel) }
    }

    /// Makes all waiting parcels due now.
    func releaseAll() {
        while let parcel = waiting.popFirst() { due.append(parcel) }
    }

    /// Takes a parcel that was tried before, due or not.
    func takeProbe(triedLessThan attempts: Int = .max) -> Parcel? {
        due.take { $0.attempts < attempts } ?? waiting.take { $0.attempts < attempts }
    }

    /// Takes all parcels to be sent again, due or not, for which `isMeant` is true.
    func takeTried(where isMeant: (Parcel) -> Bool) -> [Parcel] {
        var taken: [Parcel] = []
        var left: [Parcel] = []
        while let parcel = due.popFirst() {
            if isMeant(parcel) { taken.append(parcel) } else { left.append(parcel) }
        }
        for parcel in left { due.append(parcel) }
        left = []
        while let parcel = waiting.popFirst() {
            if isMeant(parcel) { taken.append(parcel) } else { left.append(parcel) }
        }
        for parcel in left { waiting.insert(parcel) }
        return taken
    }

    // MARK: All parcels

    /// The number of the oldest event that is not on disk.
    var oldest: UInt64? {
        var oldest = UInt64.max
        func look(_ parcel: borrowing Parcel) { if parcel.disk == nil { oldest = min(oldest, parcel.sequence) } }
        for parcel in flying { if let parcel { look(parcel) } }
        ready.forEach(look)
        due.forEach(look)
        waiting.forEach(look)
        return oldest == .max ? nil : oldest
    }

    /// Updates the parcels in flight and those to be sent again; used to store them.
    func updateTried(_ body: (inout Parcel) -> Void) {
        flyingEvents = 0
        for place in flying.indices {
            flying[place]?.update(body)
            if let parcel = flying[place], parcel.disk == nil { flyingEvents += parcel.count }
        }
        due.update(body)
        waiting.update(body)
    }

    /// Takes everything that is not in flight.
    func takeAll() -> [Parcel] {
        var parcels: [Parcel] = []
        releaseAll()
        while let parcel = due.popFirst() { parcels.append(parcel) }
        while let parcel = staged.popFirst() { parcels.append(parcel) }
        while let parcel = ready.popFirst() { parcels.append(parcel) }
        return parcels
    }
}
