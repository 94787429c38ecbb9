/// The result of one part of `--check`.
public enum CGICheckResult: Sendable, Equatable {
    /// Passed; the text says what was found.
    case passed(String)
    /// Failed; the text says what to do.
    case failed(String)
}

extension CGIApp {
    /// Adds a part to the report of `--check`. It may take a few seconds.
    ///
    /// - Parameters:
    ///   - name: one or two words.
    ///   - function: performs the check, without side effects.
    public func onCheck(_ name: String, _ function: @escaping @Sendable () -> CGICheckResult) {
        addCheck(name, function)
    }

    /// Runs all checks.
    ///
    /// - Returns: the report, one line per check, and whether all passed.
    package func runChecks() -> (report: String, hasPassed: Bool) {
        var report = ""
        var hasPassed = true
        let width = checks.map { $0.name.count }.max() ?? 0
        for check in checks {
            let name = check.name + String(repeating: " ", count: width - check.name.count)
            switch check.function() {
            case .passed(let text): report += "ok      \(name)  \(text)\n"
            case .failed(let text):
                report += "FAILED  \(name)  \(text)\n"
                hasPassed = false
            }
        }
        return (report, hasPassed)
    }
}
