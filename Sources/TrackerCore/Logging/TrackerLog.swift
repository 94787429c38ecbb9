import CLibrary
import CPlatform

// The name `write` is taken by a method below.
private let writeBytes: @Sendable (Int32, UnsafeRawPointer?, Int) -> Int = write

/// Topics of messages that other targets handle.
package enum LogTopic {
    /// Events are lost because they were not delivered before the shutdown's deadline.
    package static let deadline = "deadline"
    /// The backend refuses all events.
    package static let refused = "refused"
    /// The backend is unavailable.
    package static let away = "away"
    /// The spool has lost events, which may be those of others.
    package static let spoolLimit = "spool.limit"
    /// A delivery failed.
    package static let failing = "failing"
}

/// Limits how often messages of one topic are written. The next one says how many were suppressed.
package struct LogRate: Sendable {
    private struct Topic {
        var lastWritten: UInt64
        var suppressed = 0
    }

    private static let maximumTopics = 256
    private var topics: [String: Topic] = [:]

    package init() {}

    /// Returns the number of messages suppressed since the last one; nil if this one is suppressed, too.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - interval: the minimum time between two messages of the topic, in nanoseconds.
    package mutating func admit(_ topic: String, now: UInt64, every interval: UInt64) -> Int? {
        if let known = topics[topic] {
            guard SystemClock.hasPassed(interval, since: known.lastWritten, now) else {
                topics[topic]?.suppressed += 1
                return nil
            }
            topics[topic] = Topic(lastWritten: now)
            return known.suppressed
        }
        if topics.count >= Self.maximumTopics { topics.removeAll() }
        topics[topic] = Topic(lastWritten: now)
        return 0
    }
}

/// Writes the tracker's own messages.
///
/// The project token is removed from every message, wherever it comes from. Messages of one topic are rate-limited; the
/// next one says how many were suppressed.
final class TrackerLog: Sendable {
    typealias Handler = @Sendable (TrackerLogRecord) -> Void

    private let level: TrackerLogRecord.Level
    private let secret: String
    private let handler: Handler
    private let rate = ThreadLock(LogRate(), survivesFork: true)
    private static let maximumBytes = 2048

    init(level: TrackerLogRecord.Level, secret: String, handler: @escaping Handler) {
        self.level = level
        self.secret = secret
        self.handler = handler
    }

    /// Writes a message, unless it is below the level or its topic's rate limit applies.
    ///
    /// - Parameters:
    ///   - topic: messages of one topic share a rate limit; nil: no limit, for messages that are rare by nature.
    ///   - interval: the minimum time between two messages of the topic, in nanoseconds.
    func write(
        _ level: TrackerLogRecord.Level, topic: String? = nil, every interval: UInt64 = 30_000_000_000,
        _ message: @autoclosure () -> String
    ) {
        guard allows(level) else { return }
        var suppressed = 0
        if let topic {
            let now = SystemClock.monotonicNanoseconds()
            guard let count = rate.withLock({ $0.admit(topic, now: now, every: interval) }) else { return }
            suppressed = count
        }
        handler(
            TrackerLogRecord(
                level: level, topic: topic ?? "tracker", message: Self.clean(message(), secret: secret),
                metadata: suppressed > 0 ? ["suppressed": String(suppressed)] : [:]))
    }

    private func allows(_ level: TrackerLogRecord.Level) -> Bool { level >= self.level && self.level != .off }

    /// Writes a message to standard error, if its level allows: while the process exits, the app's handler may be gone.
    func writeAtExit(_ record: TrackerLogRecord) {
        if allows(record.level) { Self.standardError(record) }
    }

    /// Returns one line without the secret and without control characters, which a backend's text may contain.
    private static func clean(_ text: String, secret: String) -> String {
        let needle = Array(secret.utf8)
        // Read far enough to find a secret that begins in the kept part and extends beyond it.
        var bytes = text.utf8.prefix(maximumBytes + needle.count).map { ASCII.isControl($0) ? 0x20 : $0 }
        // A token of up to three bytes is not a secret, and replacing it would garble ordinary words.
        if needle.count >= 4, bytes.count >= needle.count {
            var cleaned: [UInt8] = []
            var index = 0
            while index < bytes.count {
                if bytes[index] == needle[0], bytes[index...].starts(with: needle) {
                    cleaned += Array("[Filtered]".utf8)
                    index += needle.count
                } else {
                    cleaned.append(bytes[index])
                    index += 1
                }
            }
            bytes = cleaned
        }
        return bytes.withUnsafeBufferPointer {
            String(decoding: StringBytes.prefix(of: $0, bytes: maximumBytes), as: UTF8.self)
        }
    }

    /// Writes each message as one line to standard error, in one system call, so that lines of different threads do not
    /// interleave.
    static let standardError: Handler = { record in
        var line = Array("rigidanalytics [\(record.level.rawValue)] \(record)\n".utf8)
        line.withUnsafeMutableBytes { _ = writeBytes(2, $0.baseAddress, $0.count) }
    }
}

/// Writes to syslog, for a process whose standard error is closed.
package enum SystemLog {
    package static func write(_ level: TrackerLogRecord.Level, _ line: String) {
        let number: Int32 =
            switch level {
            case .error: 0
            case .warning: 1
            default: 2
            }
        cplatform_system_log(number, line)
    }
}

/// A message of the tracker, for a structured log; <doc:Configuring> has a handler for swift-log.
///
/// No part of it contains the project token or a line break.
public struct TrackerLogRecord: Sendable, Hashable, CustomStringConvertible {
    /// The severity of a message.
    ///
    /// A later version may add levels, so a `switch` over them needs a `default`.
    public struct Level: RawRepresentable, Sendable, Hashable, CaseIterable, Comparable {
        /// In the order of severity.
        private enum LevelName: String, CaseIterable {
            case debug, info, warning, error, off
        }

        private let code: LevelName

        private init(_ code: LevelName) {
            self.code = code
        }

        /// Creates the level with this name; nil if there is none.
        public init?(rawValue: String) {
            guard let code = LevelName(rawValue: rawValue) else { return nil }
            self.code = code
        }

        /// The name in `RA_LOG_LEVEL`, such as `warning`.
        public var rawValue: String { code.rawValue }

        /// Details for debugging the tracker.
        public static let debug = Level(.debug)
        /// One-time events, such as the recovery from an outage.
        public static let info = Level(.info)
        /// Something is lost or late; the message says why.
        public static let warning = Level(.warning)
        /// Events are lost or held back until someone fixes the cause: a setting, a library, the spool's disk, or the
        /// app's hook.
        public static let error = Level(.error)
        /// No messages; for use as a threshold only.
        public static let off = Level(.off)

        /// All levels of this version, the least severe first.
        public static let allCases: [Level] = LevelName.allCases.map { Level($0) }

        /// Orders levels by severity; `error` is the highest that a message can have.
        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
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
