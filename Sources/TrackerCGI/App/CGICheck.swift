/// What one part of `--check` found.
public enum CGICheckResult: Sendable, Equatable {
    /// All is well; the text says what was found.
    case passed(String)
    /// Something has to be done; the text says what.
    case failed(String)
}

extension CGIApp {
    /// Adds a part to what the program's option `--check` reports. It may take a few seconds.
    ///
    /// - Parameters:
    ///   - name: a word or two.
    ///   - function: looks, and changes nothing.
    public func onCheck(_ name: String, _ function: @escaping @Sendable () -> CGICheckResult) {
        addCheck(name, function)
    }

    /// Runs all checks.
    ///
    /// - Returns: the report, one line each, and whether all have passed.
    func runChecks() -> (report: String, hasPassed: Bool) {
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
