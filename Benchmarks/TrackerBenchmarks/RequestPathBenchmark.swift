import TrackerCore

/// Measures what the middleware adds to a request while everything works.
enum RequestPathBenchmark {
    static func run() async throws -> Table {
        var table = Table(
            "Request path: middleware against the bare handler (15 header fields, session cookie)",
            columns: ["callers"] + PathMeasurement.columns + ["allocations"])
        let allocations = try PathMeasurement.allocations(makeTracker())
        for callers in [1, 2, 8] {
            let added = try await PathMeasurement.run(callers: callers, makeTracker)
            table.add([String(callers)] + added.cells + [Allocations.text(allocations)])
        }
        return table
    }

    private static func makeTracker() throws -> Tracker {
        let configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        return try Tracker(configuration: configuration, transport: DiscardingTransport())
    }
}
