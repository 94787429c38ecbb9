/// Stores events on disk that have existed only in memory for too long, or that memory has no room for.
///
/// Only age decides: it makes no difference whether the backend refuses, hangs, is slow or is merely behind.
struct MemoryGuard {
    private let store: ParcelStore
    private let source: ParcelSource
    private let outbox: Outbox
    /// How old an event may become while it exists only in memory, in nanoseconds; 0: it is stored before it is sent.
    private let patience: UInt64
    /// The time of the next check of the events' age.
    private(set) var nextTurn: UInt64 = 0

    private enum Limit {
        /// The longest time between checks of the events' age.
        static let interval: UInt64 = 100_000_000
        static let parcelsAtOnce = 256
        /// Rounds of that many parcels per turn, so that sending goes on.
        static let rounds = 32
    }

    init(configuration: TrackerConfiguration, store: ParcelStore, source: ParcelSource, outbox: Outbox) {
        self.store = store
        self.source = source
        self.outbox = outbox
        patience = configuration.spoolAfter.nanoseconds
    }

    /// - Parameters:
    ///   - room: how many parcels will be sent next; that many of those stored before sending stay in memory.
    ///   - isFilling: whether memory is nearly full, so that age does not matter.
    ///   - isAway: whether the backend is away, so that tried parcels may wait on disk alone.
    mutating func turn(now: UInt64, room: Int, isFilling: Bool, isAway: Bool) {
        guard patience == 0 || isFilling || now >= nextTurn, store.mayWrite(now: now) else { return }
        nextTurn = now &+ min(Limit.interval, patience / 4)
        var room = patience == 0 ? max(0, room - outbox.staged.count - outbox.due.count) : 0
        for _ in 0..<Limit.rounds {
            guard storeUntried(now, older: isFilling ? 0 : patience, &room) else { break }
        }
        if isAway || store.isFull { leaveToDisk(now) }
        storeTried(now)
    }

    /// Leaves parcels that wait for a retry to the disk, because a record that is out prevents the eviction of its
    /// whole segment.
    private func leaveToDisk(_ now: UInt64) {
        // One stays if only a response can tell how to send what is on disk: otherwise nothing would be left to send.
        var keepsProbe = source.isDiskHeld
        let parcels = outbox.takeTried { parcel in
            let mayLeave =
                parcel.disk.map { $0.openParts == 1 && parcel.key.lines == nil }
                ?? SystemClock.hasPassed(patience, since: parcel.age, now)
            guard mayLeave, keepsProbe else { return mayLeave }
            keepsProbe = false
            return false
        }
        for parcel in leave(parcels, now) { outbox.wait(parcel) }
    }

    /// Gives stored parcels back to the disk, and stores the others.
    ///
    /// - Returns: what the disk refused.
    private func leave(_ parcels: [Parcel], _ now: UInt64) -> [Parcel] {
        for parcel in parcels { if let disk = parcel.disk { store.giveBack(disk) } }
        return store.store(parcels.filter { $0.disk == nil }, areOut: false, now: now)
    }

    /// - Returns: whether there may be more.
    private func storeUntried(_ now: UInt64, older age: UInt64, _ room: inout Int) -> Bool {
        var parcels: [Parcel] = []
        while parcels.count < Limit.parcelsAtOnce, let parcel = source.nextUntried(now: now, age: age) {
            parcels.append(parcel)
        }
        guard !parcels.isEmpty else { return false }
        let next = parcels.prefix(room)
        room -= next.count
        var refused: [Parcel] = []
        for parcel in store.store(Array(next), areOut: true, now: now) {
            if parcel.disk == nil { refused.append(parcel) } else { outbox.staged.append(parcel) }
        }
        refused += store.store(Array(parcels.dropFirst(next.count)), areOut: false, now: now)
        for parcel in refused.reversed() { outbox.ready.putBack(parcel) }
        return refused.isEmpty
    }

    /// Stores parcels that are in flight or wait for a retry; they stay in memory too.
    private func storeTried(_ now: UInt64) {
        var parcels: [Parcel] = []
        outbox.updateTried { parcel in
            if parcel.disk == nil, SystemClock.hasPassed(patience, since: parcel.age, now) { parcels.append(parcel) }
        }
        guard !parcels.isEmpty else { return }
        var shares: [ParcelKey: DiskShare] = [:]
        for parcel in store.store(parcels, areOut: true, now: now) { shares[parcel.key] = parcel.disk }
        outbox.updateTried { parcel in
            if parcel.disk == nil { parcel.disk = shares[parcel.key] }
        }
    }

    /// Stores everything, at shutdown or because nothing can be sent.
    ///
    /// - Returns: what the disk refused.
    func storeAll(now: UInt64) -> [Parcel] {
        var refused = store.store(outbox.landAll().filter { $0.disk == nil }, areOut: false, now: now)
        refused += leave(outbox.takeAll(), now)
        while true {
            var parcels: [Parcel] = []
            while parcels.count < Limit.parcelsAtOnce, let parcel = source.nextUntried(now: now, age: 0) {
                parcels.append(parcel)
            }
            guard !parcels.isEmpty else { return refused }
            refused += store.store(parcels, areOut: false, now: now)
        }
    }
}
