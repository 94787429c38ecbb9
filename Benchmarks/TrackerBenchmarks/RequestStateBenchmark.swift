import TrackerCore

/// Measures what the middleware adds to a request in each state of the queue, the backend and the configuration.
enum RequestStateBenchmark {
    static func run() async throws -> Table {
        var table = Table(
            "Request path in every state, one caller",
            columns: ["state"] + PathMeasurement.columns + ["allocations"])
        for (name, makeTracker) in states {
            let added = try await PathMeasurement.run(callers: 1, makeTracker)
            let allocations = try PathMeasurement.allocations(makeTracker())
            table.add([name] + added.cells + [Allocations.text(allocations)])
        }
        return table
    }

    private static let states: [(String, @Sendable () throws -> Tracker)] = [
        ("queue empty", { try tracker(DiscardingTransport()) }),
        ("queue filling", { try tracker(StalledTransport()) }),
        (
            "queue full",
            {
                let full = try tracker(StalledTransport()) { $0.queueCapacity = 16 }
                for _ in 0..<20 { full.begin(SampleRequest().snapshot)?.finish(status: 200, viewName: nil) }
                return full
            }
        ),
        ("backend down", { try tracker(nil) { $0.maximumConnections = 8 } }),
        ("disabled", { try tracker(DiscardingTransport()) { $0.debugDisableAnalytics = true } }),
        ("sampled out", { try tracker(DiscardingTransport()) { $0.sampleRate = 0 } }),
    ]

    private static func tracker(
        _ transport: (any EventTransport)?, _ change: (inout TrackerConfiguration) -> Void = { _ in }
    ) throws -> Tracker {
        // Nothing listens on port 9.
        var configuration = try TrackerConfiguration(
            projectID: "p", projectToken: "t", backendEndpoint: "http://127.0.0.1:9")
        configuration.logLevel = .off
        change(&configuration)
        return try Tracker(configuration: configuration, transport: transport)
    }
}
