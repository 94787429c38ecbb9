import Synchronization

@testable import TrackerCore

/// A tracker with the test's transport, and its log lines.
final class Subject: Sendable {
    let lines: LogLines
    let tracker: Tracker

    init(transport: (any EventTransport)?, _ change: (inout TrackerConfiguration) -> Void = { _ in }) throws {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "tok-s3cr3t")
        configuration.retryPolicy.base = .milliseconds(1)
        configuration.retryPolicy.cap = .milliseconds(20)
        let lines = LogLines()
        configuration.logHandler = { lines.append($0) }
        change(&configuration)
        self.lines = lines
        tracker = try Tracker(configuration: configuration, transport: transport)
    }

    func request(_ name: String = "home", status: Int = 200) {
        tracker.begin(
            RequestSnapshot(method: "GET", target: "/\(name)", host: "h", headers: RequestHeaders([("Host", "h")]))
        )?.finish(status: status, viewName: name)
    }
}

final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ record: TrackerLogRecord) { lines.withLock { $0.append("[\(record.level.rawValue)] \(record)") } }
    var all: [String] { lines.withLock { $0 } }
}

extension TrackerStatistics {
    /// Whether every event is in exactly one count.
    var addsUp: Bool { captured == delivered + spooled + totalDropped + pending }
}
