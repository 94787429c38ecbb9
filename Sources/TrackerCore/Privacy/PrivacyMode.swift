/// The presets of ``PrivacyPolicy``, as `RA_PRIVACY` names them.
public enum PrivacyMode: String, Sendable, Hashable, CaseIterable {
    /// Values of credentials, cookies, sensitive parameters, and what looks like a secret wherever it stands, are
    /// replaced by `[Filtered]`; names stay.
    case standard = "default"
    /// Nothing is filtered: the events of the Python package.
    case none
    /// Of the headers only a few harmless ones keep their value, and no query value leaves the host.
    case strict
}
