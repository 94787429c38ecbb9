import DemoServer
import TrackerCore

/// How a CGI process delivers its one event after the client has the response.
///
///     app.config.cgiDelivery.timeout = .seconds(5)
///
/// An event that is not delivered in time goes to the spool. Without a spool it is lost, and a later run of the program
/// reports how many were lost in the web server's error log, at most once a minute.
public struct CGIDeliveryOptions: Sendable, Equatable {
    /// Connection timeout, name resolution and TLS included. The configuration's `connectTimeout` applies if it is
    /// shorter.
    public var connectTimeout = Duration.seconds(2)
    /// Time limit for the whole delivery, retries included.
    public var timeout = Duration.seconds(10)
    /// Whether a child process delivers the event, so that the web server sees the program exit at once. Without it, or
    /// if no child can be created, the program itself delivers and exits a little later.
    ///
    /// At most 64 children of one program run at a time. Beyond that an event goes to the spool, or is lost and counted
    /// if there is none.
    public var usesChildProcess = true
    /// ``connectTimeout`` if the program itself delivers while the web server waits.
    public var foregroundConnectTimeout = Duration.milliseconds(250)
    /// ``timeout`` if the program itself delivers while the web server waits.
    public var foregroundTimeout = Duration.seconds(1)

    /// Creates the default options.
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

    /// The transport for events; nil for HTTP to the configured backend. For tests, use `InMemoryTransport`.
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

/// The tracker's settings for apps that set none.
enum CGISettings {
    /// Reads the `RA_...` variables of the process and, at a lower priority, those of the file named by `RA_ENV_FILE`.
    /// With that file the token need not be in a web server's configuration, or in a folder that visitors can see.
    static func configuration() throws -> TrackerConfiguration {
        try TrackerConfiguration(environment: EnvironmentFile.settings(path: nil))
    }
}
