/// The version of this package, in every event as `swift-v` and the number, and in the demos' `--version`.
public enum TrackerVersion {
    /// The version number (semver.org).
    public static let current = "1.0.0"
}
