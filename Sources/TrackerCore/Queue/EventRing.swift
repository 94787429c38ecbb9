/// A first-in, first-out ring of tracked requests that grows by doubling up to what its owner lets in.
struct EventRing {
    private var slots: [TrackedRequest?] = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ request: TrackedRequest) {
        if count == slots.count { grow() }
        // The capacity is a power of two.
        slots[(head &+ count) & (slots.count &- 1)] = request
        count &+= 1
    }

    /// The oldest, without taking it.
    var first: TrackedRequest? { isEmpty ? nil : slots[head] }

    mutating func popFirst() -> TrackedRequest? {
        guard count > 0 else { return nil }
        let request = slots[head]
        slots[head] = nil
        head = (head &+ 1) & (slots.count &- 1)
        count &-= 1
        return request
    }

    private mutating func grow() {
        var larger = [TrackedRequest?](repeating: nil, count: max(256, slots.count * 2))
        for index in 0..<count { larger[index] = slots[(head + index) & (slots.count - 1)] }
        slots = larger
        head = 0
    }
}
