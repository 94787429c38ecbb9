import TrackerCore

/// What `--describe` of the demos prints.
package enum CollectionDescription {
    /// - Parameter settings: `RA_...` variables; what the demos need is filled in.
    package static func text(_ settings: [String: String]) throws(ConfigurationError) -> String {
        let filled = ["RA_PROJECT_ID": "demo", "RA_PROJECT_TOKEN": "demo-token"].merging(settings) { $1 }
        return try TrackerConfiguration(environment: filled).collectionReport()
    }
}
