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
func runAsService(_ tracker: Tracker, serve: () async throws -> Void) async throws {
    // Not a child task: cancellation stops the server first, and only then the tracker.
    let tracking = Task { await tracker.run() }
    let outcome: Result<Void, any Error>
    do {
        outcome = .success(try await serve())
    } catch {
        outcome = .failure(error)
    }
    tracking.cancel()
    await tracking.value
    try outcome.get()
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
