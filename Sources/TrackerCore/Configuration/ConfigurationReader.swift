/// Reads typed values out of named texts, with errors that name the variable.
struct ConfigurationReader {
    /// Variables that exist; an empty value counts as absent.
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
            throw .invalid(variable: variable, value: text, allowed: "true, false, 1, 0, yes or no")
        }
    }

    /// Texts separated by commas.
    func list(_ variable: String) -> [String] {
        (text(variable) ?? "").split(separator: ",").map { String($0).trimmingSpaces() }.filter { !$0.isEmpty }
    }

    func number(_ variable: String) throws(ConfigurationError) -> Double? {
        guard let text = text(variable) else { return nil }
        guard let number = Double(text), number.isFinite else {
            throw .invalid(variable: variable, value: text, allowed: "a number")
        }
        return number
    }

    func integer(_ variable: String) throws(ConfigurationError) -> Int? {
        guard let text = text(variable) else { return nil }
        guard let number = Int(text) else {
            throw .invalid(variable: variable, value: text, allowed: "a whole number")
        }
        return number
    }

    /// Seconds, such as `2` or `0.5`; or `250ms`, `2s`.
    func duration(_ variable: String) throws(ConfigurationError) -> Duration? {
        guard let text = text(variable) else { return nil }
        let lowercase = text.lowercased()
        var digits = lowercase[...]
        var unit = 1.0
        if lowercase.hasSuffix("ms") {
            digits = lowercase.dropLast(2)
            unit = 0.001
        } else if lowercase.hasSuffix("s") {
            digits = lowercase.dropLast()
        }
        guard let first = digits.utf8.first, (first >= 0x30 && first <= 0x39) || first == 0x2E,
            let number = Double(digits), number.isFinite, number >= 0, number * unit <= 1e6
        else {
            throw .invalid(
                variable: variable, value: text, allowed: "a time of at most 300 s, such as 2, 0.5 or 250ms")
        }
        return .nanoseconds(Int64(number * unit * 1e9))
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
