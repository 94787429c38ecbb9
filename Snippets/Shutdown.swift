// Shuts a tracker down, runs it as a service, and checks its counts.

import TrackerCore

// snippet.with
func run(serve: @escaping @Sendable (Tracker) async throws -> Void) async throws {
    try await withTracker(TrackerConfiguration()) { tracker in
        try await serve(tracker)
    }
}
// snippet.end

// snippet.shutdown
func runAndShutDown(_ tracker: Tracker, serve: () async throws -> Void) async throws {
    try await serve()
    let result = await tracker.shutdown(timeout: .seconds(5))
    if result.dropped > 0 { print("\(result.dropped) events were not delivered: \(tracker.statistics)") }
}
// snippet.end

// snippet.service
func runAsService(_ tracker: Tracker, serve: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await tracker.run() }
        group.addTask { try await serve() }
        try await group.next()
        group.cancelAll()
        try await group.waitForAll()
    }
}
// snippet.end

// snippet.statistics
func isAccountedFor(_ tracker: Tracker) -> Bool {
    let statistics = tracker.statistics
    let known = statistics.delivered + statistics.totalDropped + statistics.pending + statistics.spooled
    return statistics.captured == known
}
// snippet.end

let tracker = try Tracker(configuration: TrackerConfiguration())
try await runAndShutDown(tracker) { print(isAccountedFor(tracker)) }
try await runAsService(tracker) {}
