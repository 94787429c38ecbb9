import AllocationCounter

/// Counts the calling thread's allocations.
enum Allocations {
    /// Returns the allocations per operation; nil if they can't be counted. The operation must stay on its thread.
    static func count(_ operations: Int, _ operation: () throws -> Void) rethrows -> Double? {
        guard allocation_counter_works() != 0 else { return nil }
        let before = allocation_counter_of_thread()
        for _ in 0..<operations { try operation() }
        return Double(allocation_counter_of_thread() - before) / Double(operations)
    }

    static func text(_ count: Double?) -> String { count.map { decimal($0, 1) } ?? "-" }
}
