import CPlatform

/// The system's log, for a process whose standard error is closed.
package enum SystemLog {
    package static func write(_ level: TrackerLogRecord.Level, _ line: String) {
        let number: Int32 =
            switch level {
            case .error: 0
            case .warning: 1
            case .debug, .info, .off: 2
            }
        cplatform_system_log(number, line)
    }
}
