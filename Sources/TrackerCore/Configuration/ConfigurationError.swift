/// Why a configuration was refused. Its description is one sentence that says what to do.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A required setting is absent or empty.
    case missing(variable: String)
    /// A setting has a value that is not allowed. The value of a secret is never kept here.
    case invalid(variable: String, value: String, allowed: String)

    /// One sentence that says which setting is wrong and what to do.
    public var description: String {
        switch self {
        case .missing(let variable):
            "\(variable) is required but not set; set it in the environment or in code."
        case .invalid(let variable, let value, let allowed):
            "\(variable) is \"\(value)\", which is not allowed; use \(allowed)."
        }
    }
}
