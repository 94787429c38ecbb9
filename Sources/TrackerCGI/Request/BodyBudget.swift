import Synchronization

/// The memory that the variables and bodies of all requests may take together.
final class BodyBudget: Sendable {
    let limit: Int
    private let taken = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = max(0, limit)
    }

    /// Bytes in use.
    var used: Int { taken.load(ordering: .relaxed) }

    fileprivate func take(_ count: Int) -> Bool {
        guard count <= limit else { return false }
        // Added first and checked afterwards, because several threads reserve at once.
        if taken.wrappingAdd(count, ordering: .relaxed).newValue <= limit { return true }
        giveBack(count)
        return false
    }

    fileprivate func giveBack(_ count: Int) {
        taken.wrappingSubtract(count, ordering: .relaxed)
    }
}

/// One request's share of a budget, released with its last reference.
final class BodyReservation: Sendable {
    private let budget: BodyBudget
    private let count = Atomic<Int>(0)

    init(_ budget: BodyBudget) {
        self.budget = budget
    }

    deinit {
        budget.giveBack(count.load(ordering: .relaxed))
    }

    /// - Returns: false if there is no room.
    func take(_ bytes: Int) -> Bool {
        guard budget.take(bytes) else { return false }
        count.wrappingAdd(bytes, ordering: .relaxed)
        return true
    }
}
