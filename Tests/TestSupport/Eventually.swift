import Foundation

/// A condition that did not become true in time.
package struct NeverHappened: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) {
        self.description = description
    }
}

/// Polls until a condition holds, and throws once the deadline has passed.
package func eventually(
    within limit: Duration = .seconds(60), _ what: String = "the condition", _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(description: "\(what) did not become true within \(limit)")
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}
