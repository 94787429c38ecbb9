/// The reason why a configuration was refused. Its description is one sentence that says what to do.
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
    /// The name of the setting, such as `RA_SAMPLE_RATE`.
    public let variable: String
    /// The refused value, never a secret; nil if the setting is missing.
    public let value: String?
    /// What is allowed, or what to do.
    public let allowed: String

    /// A required setting is absent or empty.
    ///
    /// - Parameters:
    ///   - variable: its name in the environment.
    ///   - misspelt: a variable that is set, is not a setting, and has a similar name.
    static func missing(variable: String, misspelt: String? = nil) -> ConfigurationError {
        let hint = misspelt.map { "\($0) is set, but the setting is spelt \(variable)" }
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
