import CLibrary
import TrackerCore

/// The tracker's part of `--check`. Nothing is sent to the backend.
enum CGITrackerChecks {
    static func add(to app: CGIApp, _ configuration: TrackerConfiguration) {
        app.onCheck("settings") {
            .passed("project \(configuration.projectID), events go to \(configuration.backendEndpoint)")
        }
        // The app's own transport does not need libcurl, and may not need the backend.
        if app.config.rigidAnalyticsTransport == nil {
            app.onCheck("libcurl") { libcurl() }
            app.onCheck("backend") { backend(configuration) }
        }
        app.onCheck("spool") { spool(configuration.spoolDirectory) }
    }

    private static func libcurl() -> CGICheckResult {
        do throws(TransportUnavailable) {
            try HTTPTransport.loadLibrary()
            return .passed("is installed")
        } catch {
            return .failed(error.description)
        }
    }

    private static func backend(_ configuration: TrackerConfiguration) -> CGICheckResult {
        let endpoint = configuration.backendEndpoint
        do throws(TransportUnavailable) {
            try HTTPTransport(configuration: configuration).checkConnection()
        } catch {
            return .failed("\(endpoint): \(error)")
        }
        return .passed(
            endpoint.scheme == "https"
                ? "\(endpoint.host) accepts connections, and its certificate is trusted"
                : "\(endpoint.host) accepts connections")
    }

    private static func spool(_ directory: String?) -> CGICheckResult {
        guard let directory else {
            return .passed("none: events that can't be delivered in time are lost (set RA_SPOOL_DIRECTORY)")
        }
        var status = stat()
        // The tracker creates a missing directory if it is allowed to.
        let place = stat(directory, &status) == 0 ? directory : parent(of: directory)
        guard access(place, W_OK | X_OK) == 0 else {
            return .failed(
                "\(SystemError(call: place)) for user \(geteuid()); chown it to the user that the app runs as")
        }
        return .passed("\(directory) is writable")
    }

    private static func parent(of path: String) -> String {
        let parts = path.split(separator: "/")
        let rest = parts.dropLast().joined(separator: "/")
        return path.hasPrefix("/") ? "/" + rest : (rest.isEmpty ? "." : rest)
    }
}
