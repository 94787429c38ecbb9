/// Remembers the most recent keys, up to `capacity`.
struct RecentKeys {
    private let capacity: Int
    private var known: Set<String> = []
    private var order: [String] = []
    private var oldest = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// - Returns: whether the key is new.
    mutating func insert(_ key: String) -> Bool {
        guard known.insert(key).inserted else { return false }
        if order.count < capacity {
            order.append(key)
        } else {
            known.remove(order[oldest])
            order[oldest] = key
            oldest = (oldest + 1) % capacity
        }
        return true
    }
}
