/// A message of the tracker, for a structured log.
///
///     configuration.logHandler = { record in
///         logger.log(level: .init(record.level), "\(record.message)", metadata: ["topic": "\(record.topic)"])
///     }
///
/// No part of it contains the project token or a line break.
public struct TrackerLogRecord: Sendable, Hashable, CustomStringConvertible {
    /// The severity of a message.
    public enum Level: String, Sendable, Hashable, CaseIterable, Comparable {
        /// Details for debugging the tracker.
        case debug
        /// One-time events: started, stopped, recovered from an outage.
        case info
        /// Something is lost or late; the message says why.
        case warning
        /// Nothing works until someone fixes the cause.
        case error
        /// No messages; for use as a threshold only.
        case off

        private var rank: Int {
            switch self {
            case .debug: 0
            case .info: 1
            case .warning: 2
            case .error: 3
            case .off: 4
            }
        }

        /// Orders levels by severity; `error` is the highest that a message can have.
        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    }

    /// The severity; never ``Level/off``.
    public var level: Level
    /// The subject, such as `spool`: a fixed word for filters and alerts.
    public var topic: String
    /// The message: one sentence.
    public var message: String
    /// Further fields: `suppressed` is the number of messages of this topic suppressed since the last one.
    public var metadata: [String: String]

    /// Creates a record, for tests of a handler.
    public init(level: Level, topic: String, message: String, metadata: [String: String] = [:]) {
        self.level = level
        self.topic = topic
        self.message = message
        self.metadata = metadata
    }

    /// The message, with the number of those suppressed.
    public var description: String {
        guard let count = metadata["suppressed"] else { return message }
        return "\(message) (\(count) more like this were left out)"
    }
}
