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
