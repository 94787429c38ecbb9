import Foundation

/// A condition that did not become true in time.
package struct NeverHappened: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) {
        self.description = description
    }
}

/// How long tests wait for what should happen soon.
package enum TestTimeout {
    /// The environment variable `TEST_TIME_SCALE`, for builds that run several times as slowly. If it is not set, more
    /// than 1 on machines with few processors, where all tests at once starve each other.
    package static let scale =
        ProcessInfo.processInfo.environment["TEST_TIME_SCALE"].flatMap { Int($0) }
        ?? max(1, 8 / ProcessInfo.processInfo.activeProcessorCount)
    /// Long enough for a busy machine, and short enough that a failure shows soon.
    package static let standard = Duration.seconds(20 * scale)
}

/// Polls until a condition holds, and throws once the deadline has passed and it was polled a hundred times: on a pool
/// whose threads other tests hold, a long time may pass between two polls.
package func eventually(
    within limit: Duration = TestTimeout.standard, _ what: String = "the condition",
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    var polls = 0
    while try await !condition() {
        polls += 1
        guard ContinuousClock.now < deadline || polls < 100 else {
            throw NeverHappened(description: "\(what) did not become true within \(limit)")
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}
