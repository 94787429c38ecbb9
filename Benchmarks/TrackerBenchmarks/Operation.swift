import TrackerCore

/// Measures a small operation on its own, many times over.
enum Operation {
    struct Result {
        var rounds: [Double] = []
        var allocations: Double?

        /// Nanoseconds per operation, the median of the rounds.
        var nanoseconds: Double { median(rounds) }
    }

    /// Measures operations in five rounds, alternating between them.
    static func measure(_ count: Int, _ operations: [(name: String, run: () -> Void)]) -> [(String, Result)] {
        var results = operations.map { ($0.name, Result()) }
        for (index, operation) in operations.enumerated() {
            for _ in 0..<count / 10 { operation.run() }
            results[index].1.allocations = Allocations.count(count / 10, operation.run)
        }
        for _ in 0..<5 {
            for (index, operation) in operations.enumerated() {
                let start = SystemClock.monotonicNanoseconds()
                for _ in 0..<count { operation.run() }
                let took = SystemClock.monotonicNanoseconds() - start
                results[index].1.rounds.append(Double(took) / Double(count))
            }
        }
        return results
    }
}

/// Formats nanoseconds; as microseconds from 1,000 on.
func time(_ nanoseconds: Double) -> String {
    abs(nanoseconds) < 1000 ? "\(Int(nanoseconds.rounded())) ns" : "\(decimal(nanoseconds / 1000)) us"
}

/// Keeps the optimizer from removing an unused value.
@inline(never)
func use<T>(_ value: T) {}
