import Foundation
import TrackerCore

/// Events in and out of the queue, and the memory of a full one.
enum QueueBenchmark {
    static func run() throws -> Table {
        var table = Table("Queue", columns: ["operation", "median of 5 rounds", "allocations"])
        let single = QueueMeter(capacity: 1 << 20, snapshot: SampleRequest().snapshot)
        let batches = QueueMeter(capacity: 1 << 20, snapshot: SampleRequest().snapshot)
        let full = QueueMeter(capacity: 0, snapshot: SampleRequest().snapshot)
        let results = Operation.measure(
            100_000,
            [
                (
                    "one event in, one out and settled",
                    {
                        single.capture()
                        single.settle()
                    }
                ),
                (
                    "64 events in, out together and settled",
                    {
                        for _ in 0..<64 { batches.capture() }
                        batches.settle()
                    }
                ),
                ("one event refused by a full queue", { full.capture() }),
            ])
        for (name, result) in results {
            table.add(name, time(result.nanoseconds), Allocations.text(result.allocations))
        }
        for threads in [1, 2, 8] {
            let rounds = (0..<5).map { _ in contended(threads) }
            table.add("one event in, \(threads) threads at once", time(median(rounds)))
        }
        for isPaced in [true, false] {
            let bytes = try QueueMemory.measure(events: 10_000, isPaced: isPaced)
            table.add(
                "full of 10,000 browser events, \(isPaced ? "come within a second" : "come at once"): resident memory",
                "\(decimal(Double(bytes) / 1_048_576)) MiB")
        }
        return table
    }

    /// Returns a thread's wall-clock nanoseconds per event.
    private static func contended(_ threads: Int) -> Double {
        let meter = QueueMeter(capacity: .max, snapshot: SampleRequest().snapshot)
        let count = 100_000
        let start = SystemClock.monotonicNanoseconds()
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            for _ in 0..<count { meter.capture() }
        }
        return Double(SystemClock.monotonicNanoseconds() - start) / Double(count)
    }
}
