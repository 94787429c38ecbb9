/// Parses the values of variables, with errors that name the variable.
struct ConfigurationReader {
    /// The variables; an empty value counts as absent.
    let values: [String: String]

    func text(_ variable: String) -> String? {
        guard let value = values[variable]?.trimmingSpaces(), !value.isEmpty else { return nil }
        return value
    }

    func boolean(_ variable: String) throws(ConfigurationError) -> Bool? {
        guard let text = text(variable) else { return nil }
        switch text.lowercased() {
        case "true", "1", "yes", "on": return true
        case "false", "0", "no", "off": return false
        default:
            throw .invalid(
                variable: variable, value: text, allowed: "true or false, also as 1 or 0, yes or no, on or off")
        }
    }

    /// Parses a comma-separated list; leaves out empty items.
    func list(_ variable: String) -> [String] {
        (text(variable) ?? "").split(separator: ",").map { String($0).trimmingSpaces() }.filter { !$0.isEmpty }
    }

    func number(_ variable: String, in range: ClosedRange<Double>) throws(ConfigurationError) -> Double? {
        guard let text = text(variable) else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw .invalid(variable: variable, value: text, allowed: SettingRange.describe(range))
        }
        return number
    }

    func integer(_ variable: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let text = text(variable) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalid(variable: variable, value: text, allowed: SettingRange.describe(range))
        }
        return number
    }

    /// Parses seconds, such as `2` or `0.5`, or a number with a unit: `500ms`, `90s`, `5m`, `24h`, `30d`.
    func duration(_ variable: String, in range: ClosedRange<Duration>) throws(ConfigurationError) -> Duration? {
        guard let text = text(variable) else { return nil }
        guard let duration = Self.duration(text), range.contains(duration) else {
            throw .invalid(variable: variable, value: text, allowed: SettingRange.describe(range))
        }
        return duration
    }

    private static func duration(_ text: String) -> Duration? {
        let digits = text.utf8.prefix { ASCII.isDigit($0) || $0 == 0x2E }
        // 1e9 is above any limit and cannot overflow.
        guard let number = Double(String(digits) ?? ""), number <= 1e9 else { return nil }
        let unit: Double? =
            switch String(text.utf8.dropFirst(digits.count))?.lowercased() {
            case "ms": 0.001
            case "", "s": 1
            case "m", "min": 60
            case "h": 3_600
            case "d": 86_400
            default: nil
            }
        guard let unit, number * unit <= 1e9 else { return nil }
        return .milliseconds(number * unit * 1_000)
    }

    func choice<Value: RawRepresentable & CaseIterable>(
        _ variable: String, _: Value.Type
    ) throws(ConfigurationError) -> Value? where Value.RawValue == String {
        guard let text = text(variable) else { return nil }
        guard let value = Value(rawValue: text.lowercased()) else {
            let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid(variable: variable, value: text, allowed: "one of \(allowed)")
        }
        return value
    }
}

/// The allowed ranges of settings, and their wording in messages.
enum SettingRange {
    static let queueCapacity = 1...1_000_000
    static let queueMaximumBytes = 65_536...(1 << 30)
    /// A batch takes up to a megabyte, and is stored whole.
    static let spoolMaximumBytes = 2_097_152...(1 << 40)
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

    /// Formats a time as a setting, in the largest unit that gives a whole number.
    static func text(_ time: Duration) -> String {
        let (seconds, attoseconds) = time.components
        if attoseconds != 0 { return "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)ms" }
        for (unit, name) in [(Int64(86_400), "d"), (3_600, "h"), (60, "m")] where seconds != 0 && seconds % unit == 0 {
            return "\(seconds / unit)\(name)"
        }
        return seconds == 0 ? "0" : "\(seconds)s"
    }
}

/// A variable that begins with `RA_` but is not a setting.
struct MisspelledVariable: Sendable, Equatable {
    /// Its name, cut to 64 bytes.
    var name: String
    /// The setting with the most similar name; nil if none is similar.
    var nearest: String?

    /// Names the file with the other variables, which `TrackerCGI` and the demos read, and the core does not.
    static let environmentFile = "RA_ENV_FILE"

    /// One sentence that says what to do.
    var warning: String {
        if name == Self.environmentFile {
            return "\(name) is set, but only CGI and FastCGI apps read it: set the variables in the environment"
        }
        guard let nearest else { return "\(name) is set, but is not a tracker setting: it is ignored" }
        return "\(name) is set, but is not a tracker setting: did you mean \(nearest)?"
    }

    private enum Limit {
        static let variables = 16
        static let bytes = 64
    }

    /// Finds the misspelled variables among all that are set; returns at most 16, sorted by name.
    ///
    /// - Parameters:
    ///   - names: the variables that are set, in any order.
    ///   - known: the settings.
    static func find(in names: some Sequence<String>, known: [String]) -> [MisspelledVariable] {
        names.filter { $0.hasPrefix("RA_") && !known.contains($0) }.sorted().prefix(Limit.variables).map { name in
            let name = Array(name.utf8).withUnsafeBufferPointer {
                String(decoding: StringBytes.prefix(of: $0, bytes: Limit.bytes), as: UTF8.self)
            }
            // At most a third of the letters after the prefix may be wrong; with more it is a different word.
            let most = max(1, (name.utf8.count - 3) / 3)
            let nearest = known.map { (name: $0, steps: distance(Array(name.utf8), Array($0.utf8))) }
                .filter { $0.steps <= most }.min { $0.steps < $1.steps }?.name
            // Or it is the beginning of a setting's name, such as RA_SPOOL_DIR, or has one of its words.
            return MisspelledVariable(
                name: name,
                nearest: nearest ?? known.first { name.utf8.count > 5 && $0.hasPrefix(name) }
                    ?? sharingWords(with: name, among: known))
        }
    }

    /// Returns the setting that shares most words with a name, such as RA_BACKEND_ENDPOINT with RA_BACKEND_URL; of
    /// several the one with the fewest words; nil if that leaves more than one.
    private static func sharingWords(with name: String, among known: [String]) -> String? {
        func words(_ name: String) -> Set<Substring> { Set(name.split(separator: "_").dropFirst()) }
        let own = words(name)
        let rated = known.map { (name: $0, shared: own.intersection(words($0)).count, words: words($0).count) }
        guard let most = rated.map(\.shared).max(), most > 0 else { return nil }
        let closest = rated.filter { $0.shared == most }
        let fewest = closest.map(\.words).min()
        let nearest = closest.filter { $0.words == fewest }
        return nearest.count == 1 ? nearest.first?.name : nil
    }

    /// Returns the optimal string alignment distance: substitutions, insertions, deletions, and transpositions of
    /// adjacent letters.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var steps = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    steps = min(steps, beforeLast[column - 1] + 1)
                }
                current.append(steps)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}

/// The reason why a configuration was rejected. Its description is one sentence that says what to do.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of an error. A later version may add others.
    public struct Code: Sendable, Hashable {
        private let number: UInt8

        /// A required setting is absent or empty.
        public static let missing = Code(number: 0)
        /// A setting has a value that is not allowed.
        public static let invalid = Code(number: 1)
        /// A file or directory that a setting names can't be used.
        public static let unusable = Code(number: 2)
    }

    /// The kind of error.
    public let code: Code
    /// The setting: a variable such as `RA_SAMPLE_RATE`, a property such as `retryPolicy.base`, or an unknown key.
    public let variable: String
    /// The rejected value, never the token; nil if the setting is missing.
    public let value: String?
    /// What is allowed, or what to do.
    public let allowed: String

    /// A required setting is absent or empty.
    ///
    /// - Parameters:
    ///   - variable: its name in the environment.
    ///   - misspelled: a variable that is set, is not a setting, and has a similar name.
    static func missing(variable: String, misspelled: String? = nil) -> ConfigurationError {
        let hint = misspelled.map { "\($0) is set, but the setting is spelled \(variable)" }
        return ConfigurationError(
            code: .missing, variable: variable, value: nil,
            allowed: hint ?? "set it in the environment or in code")
    }

    /// A setting has a value that is not allowed.
    static func invalid(variable: String, value: String, allowed: String) -> ConfigurationError {
        ConfigurationError(code: .invalid, variable: variable, value: value, allowed: allowed)
    }

    /// A file or directory that a setting names can't be used.
    ///
    /// - Parameter remedy: a sentence that says why and what to do.
    static func unusable(variable: String, value: String, remedy: String) -> ConfigurationError {
        ConfigurationError(code: .unusable, variable: variable, value: value, allowed: remedy)
    }

    /// One sentence that says which setting is wrong and what to do.
    public var description: String {
        guard let value else { return "\(variable) is required but not set; \(allowed)." }
        guard code == .invalid else { return "\(variable) is \"\(value)\", which can't be used. \(allowed)" }
        return "\(variable) is \"\(value)\", which is not allowed; use \(allowed)."
    }
}
