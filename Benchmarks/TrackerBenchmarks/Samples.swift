import TrackerCore

/// Nanoseconds of many individual operations.
struct Samples {
    private var values: [UInt64] = []

    init(capacity: Int) {
        values.reserveCapacity(capacity)
    }

    mutating func add(_ nanoseconds: UInt64) { values.append(nanoseconds) }

    var all: [UInt64] { values }

    /// - Parameter share: 0.5 is the median.
    func percentile(_ share: Double) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
    }
}

/// The median of a few rounds.
func median(_ rounds: [Double]) -> Double {
    let sorted = rounds.sorted()
    guard !sorted.isEmpty else { return 0 }
    return sorted.count % 2 == 1
        ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
}
