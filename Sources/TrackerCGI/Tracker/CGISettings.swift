import DemoServer
import TrackerCore

/// The tracker's settings where an app gives none.
enum CGISettings {
    /// Reads the `RA_...` variables of the process, and below them those of the file that `RA_ENV_FILE` names: with it no
    /// configuration of a web server has to hold the token, and no folder that is shown to visitors.
    static func configuration() throws -> TrackerConfiguration {
        try TrackerConfiguration(environment: EnvironmentFile.settings(path: nil))
    }
}
