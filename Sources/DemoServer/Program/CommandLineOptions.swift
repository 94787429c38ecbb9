import TrackerCore

/// A program's options: `--name value`, `--name=value`, and flags without a value.
package struct CommandLineOptions {
    /// One option as the help text shows it.
    package struct Option: Sendable {
        let name: String
        /// The placeholder of the value in the help text; nil for a flag.
        let value: String?
        let help: String

        package init(_ name: String, value: String? = nil, _ help: String) {
            self.name = name
            self.value = value
            self.help = help
        }
    }

    /// What was wrong, in one sentence that points to `--help`.
    package struct UsageError: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    private let program: String
    private let summary: String
    private let options: [Option]
    private var values: [String: String] = [:]

    package init(program: String, summary: String, options: [Option]) {
        self.program = program
        self.summary = summary
        self.options =
            options + [Option("help", "Show this text and exit."), Option("version", "Show the version and exit.")]
    }

    /// - Parameter arguments: without the program's own name.
    package mutating func parse(_ arguments: [String]) throws(UsageError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument.utf8.count > 2 else {
                throw error("does not take the argument \"\(argument)\"")
            }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let option = options.first(where: { $0.name == name }) else {
                throw error("has no option --\(name)")
            }
            if option.value == nil {
                guard parts.count == 1 else { throw error("takes no value for --\(name)") }
                values[name] = ""
            } else if parts.count == 2 {
                values[name] = String(parts[1])
            } else if let value = rest.popFirst() {
                values[name] = value
            } else {
                throw error("needs a value after --\(name)")
            }
        }
    }

    package func has(_ name: String) -> Bool { values[name] != nil }

    package func text(_ name: String) -> String? { values[name] }

    /// A whole number within a range.
    package func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw error(
                "needs a whole number from \(range.lowerBound) to \(range.upperBound) for --\(name), not \"\(text)\"")
        }
        return number
    }

    /// A number within a range.
    package func number(_ name: String, in range: ClosedRange<Double>) throws(UsageError) -> Double? {
        guard let text = values[name] else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw error("needs a number from \(range.lowerBound) to \(range.upperBound) for --\(name), not \"\(text)\"")
        }
        return number
    }

    package func error(_ what: String) -> UsageError {
        UsageError(description: "\(program) \(what); see \(program) --help")
    }

    package var helpText: String {
        let shown = options.map { option in
            ("  --\(option.name)\(option.value.map { " \($0)" } ?? "")", option.help)
        }
        let width = shown.map(\.0.count).max() ?? 0
        let lines = shown.map { "\($0.0)\(String(repeating: " ", count: width - $0.0.count + 2))\($0.1)" }
        return "\(summary)\n\nUsage: \(program) [options]\n\n\(lines.joined(separator: "\n"))\n"
    }
}

/// The text that `--describe` of the demos prints.
package enum CollectionDescription {
    /// - Parameter settings: `RA_...` variables; those that the demos need get defaults.
    package static func text(_ settings: [String: String]) throws(ConfigurationError) -> String {
        let filled = ["RA_PROJECT_ID": "demo", "RA_PROJECT_TOKEN": "demo-token"].merging(settings) { $1 }
        return try TrackerConfiguration(environment: filled).collectionReport()
    }
}
