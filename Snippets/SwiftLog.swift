// Forwards the tracker's messages to swift-log.

// snippet.hide
import TrackerCore

/// Stands in for swift-log's `Logger`: this package has no dependencies.
struct Logger: Sendable {
    enum Level: Sendable {
        case debug, info, warning, error
    }

    enum MetadataValue: Sendable {
        case string(String)
    }

    let label: String

    func log(level: Level, _ message: String, metadata: [String: MetadataValue]) {
        print(label, level, message, metadata)
    }
}
// snippet.show

// snippet.handler
/// Forwards the tracker's messages and their metadata to swift-log.
func logHandler(for logger: Logger) -> @Sendable (TrackerLogRecord) -> Void {
    { record in
        let level: Logger.Level =
            switch record.level {
            case .debug: .debug
            case .info: .info
            case .warning: .warning
            default: .error
            }
        var metadata = record.metadata.mapValues { Logger.MetadataValue.string($0) }
        metadata["topic"] = .string(record.topic)
        logger.log(level: level, "\(record.message)", metadata: metadata)
    }
}
// snippet.end

// snippet.install
var configuration = try TrackerConfiguration()
configuration.logHandler = logHandler(for: Logger(label: "analytics"))
let tracker = try Tracker(configuration: configuration)
// snippet.end
tracker.shutdown()
