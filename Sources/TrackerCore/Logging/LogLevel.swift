/// How much a log line matters.
public enum LogLevel: String, Sendable, Hashable, CaseIterable, Comparable {
    /// For finding out what the tracker does.
    case debug
    /// What happened, once: started, stopped, back after an outage.
    case info
    /// Something is lost or late, and why.
    case warning
    /// Nothing will work until somebody changes something.
    case error
    /// As a threshold: no line at all.
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

    /// Orders by severity: `error` is the highest that a line can have.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}
