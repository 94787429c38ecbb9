/// How much of a request may leave the host.
public enum PrivacyMode: String, Sendable, Hashable, CaseIterable {
    /// Values of credentials, cookies and sensitive query parameters are replaced by `[Filtered]`; names stay.
    case standard = "default"
    /// Nothing is filtered: the events of the Python package.
    case none
    /// Of the headers only a few harmless ones keep their value, and no query value leaves the host.
    case strict
}
