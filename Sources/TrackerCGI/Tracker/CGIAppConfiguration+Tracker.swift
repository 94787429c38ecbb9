import DemoServer
import TrackerCore

/// How the one event of a CGI process is delivered, after the client has its answer.
///
///     app.config.cgiDelivery.timeout = .seconds(5)
///
/// An event that is not delivered in time goes to the spool. Without one it is lost, and a later run of the program says
/// in the web server's error log, at most once a minute, how many were.
public struct CGIDeliveryOptions: Sendable, Equatable {
    /// How long the connection to the backend may take, name resolution and TLS included. The configuration's
    /// `connectTimeout` counts where it is shorter.
    public var connectTimeout = Duration.seconds(2)
    /// How long the whole delivery may take, retries included.
    public var timeout = Duration.seconds(10)
    /// Whether a child process delivers the event, so that the web server sees the program end at once. Without it, or
    /// where no child can be made, the program itself delivers and ends a little later.
    ///
    /// At most 64 children of one program live at a time. Beyond that an event goes to the spool, or is lost and counted
    /// if there is none.
    public var usesChildProcess = true
    /// ``connectTimeout`` where the program itself delivers and the web server waits for it.
    public var foregroundConnectTimeout = Duration.milliseconds(250)
    /// ``timeout`` where the program itself delivers and the web server waits for it.
    public var foregroundTimeout = Duration.seconds(1)

    /// The defaults.
    public init() {}
}

extension CGIAppConfiguration {
    private enum ConfigurationKey: CGIStorageKey {
        typealias Value = TrackerConfiguration
    }

    private enum DeliveryKey: CGIStorageKey {
        typealias Value = CGIDeliveryOptions
    }

    private enum TransportKey: CGIStorageKey {
        typealias Value = any EventTransport
    }

    /// The tracker's settings; read by ``CGITracker/initApp(_:)``.
    public var rigidAnalytics: TrackerConfiguration? {
        get { storage[ConfigurationKey.self] }
        set { storage[ConfigurationKey.self] = newValue }
    }

    /// How events travel; nil: over HTTP to the configured backend. For tests, with `InMemoryTransport`.
    public var rigidAnalyticsTransport: (any EventTransport)? {
        get { storage[TransportKey.self] }
        set { storage[TransportKey.self] = newValue }
    }

    /// How a CGI process delivers its event.
    public var cgiDelivery: CGIDeliveryOptions {
        get { storage[DeliveryKey.self] ?? CGIDeliveryOptions() }
        set { storage[DeliveryKey.self] = newValue }
    }
}

/// The tracker's settings where an app gives none.
enum CGISettings {
    /// Reads the `RA_...` variables of the process, and below them those of the file that `RA_ENV_FILE` names: with it no
    /// configuration of a web server has to hold the token, and no folder that is shown to visitors.
    static func configuration() throws -> TrackerConfiguration {
        try TrackerConfiguration(environment: EnvironmentFile.settings(path: nil))
    }
}
