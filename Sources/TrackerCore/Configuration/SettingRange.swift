/// The ranges of numbers and times that a tracker takes, and how a message names them.
enum SettingRange {
    static let queueCapacity = 1...1_000_000
    static let queueMaximumBytes = 65_536...(1 << 30)
    static let spoolMaximumBytes = 65_536...(1 << 40)
    static let maximumConnections = 1...512
    static let sampleRate = 0.0...1.0
    static let spoolMaximumAge = Duration.seconds(1)...(.seconds(30 * 86_400))
    static let spoolAfter = Duration.zero...(.seconds(300))
    static let timeout = Duration.milliseconds(1)...(.seconds(300))
    static let shutdownTimeout = Duration.zero...(.seconds(300))
    static let pause = Duration.zero...(.seconds(86_400))

    static func describe(_ range: ClosedRange<Double>) -> String {
        "a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))"
    }

    static func describe(_ range: ClosedRange<Int>) -> String {
        "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }

    static func describe(_ range: ClosedRange<Duration>) -> String {
        "a time from \(text(range.lowerBound)) to \(text(range.upperBound)), in seconds or with a unit: 500ms, 2, 90s, 5m, 24h"
    }

    /// A time in the largest unit that gives a whole number, as a setting is written.
    static func text(_ time: Duration) -> String {
        let (seconds, attoseconds) = time.components
        if attoseconds != 0 { return "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)ms" }
        for (unit, name) in [(Int64(86_400), "d"), (3_600, "h"), (60, "m")] where seconds != 0 && seconds % unit == 0 {
            return "\(seconds / unit)\(name)"
        }
        return seconds == 0 ? "0" : "\(seconds)s"
    }
}
