/// One message of the tracker's, for a log with fields.
///
///     configuration.logHandler = { record in
///         logger.log(level: .init(record.level), "\(record.message)", metadata: ["topic": "\(record.topic)"])
///     }
///
/// No part of it contains the project token or a line break.
public struct TrackerLogRecord: Sendable, Hashable, CustomStringConvertible {
    /// How much a message matters.
    public enum Level: String, Sendable, Hashable, CaseIterable, Comparable {
        /// For finding out what the tracker does.
        case debug
        /// What happened, once: started, stopped, back after an outage.
        case info
        /// Something is lost or late, and why.
        case warning
        /// Nothing will work until somebody changes something.
        case error
        /// As a threshold: no message at all.
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

        /// Orders by severity: `error` is the highest that a message can have.
        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    }

    /// How much the message matters; never ``Level/off``.
    public var level: Level
    /// What the message is about, such as `spool`: a fixed word to filter and alert by.
    public var topic: String
    /// One sentence.
    public var message: String
    /// What else is known: `suppressed`, how many messages of this topic were left out before this one.
    public var metadata: [String: String]

    /// Makes a record, for tests of a handler.
    public init(level: Level, topic: String, message: String, metadata: [String: String] = [:]) {
        self.level = level
        self.topic = topic
        self.message = message
        self.metadata = metadata
    }

    /// The message, and how many like it were left out.
    public var description: String {
        guard let count = metadata["suppressed"] else { return message }
        return "\(message) (\(count) more like this were left out)"
    }
}
