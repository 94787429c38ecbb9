import Synchronization
import TrackerCore

/// Tracks every request of a ``CGIApp``: one event for each, whatever becomes of it.
///
///     let app = CGIApp()
///     app.config.rigidAnalytics = try .fromEnvironment()
///     let tracker = CGITracker()
///     try tracker.initApp(app)
///
/// An extension like any other: it uses the app's public signals, its `extensions` and its configuration, and nothing
/// else. One tracker may serve several apps.
///
/// Nothing is sent, and libcurl is not loaded, before the client has its answer. Under FastCGI events go to the
/// delivery thread then. Under CGI the event is handed to a child process of its own session, so that neither the
/// answer nor the next request on the same connection waits for it.
public final class CGITracker: Sendable {
    /// The name under which the tracker stands in an app's `extensions`.
    public static let extensionName = "rigidanalytics"

    /// How far the measurement of a request is.
    private enum Measurement {
        case begun(Interception)
        case done(MeasuredRequest)
    }

    private enum MeasurementKey: CGIStorageKey {
        typealias Value = Measurement
    }

    private enum LastEventKey: CGIStorageKey {
        typealias Value = LastEvent
    }

    private let shared = Mutex<Tracker?>(nil)

    /// A tracker without an app; see ``initApp(_:)``.
    public init() {}

    /// A tracker that is installed in an app at once.
    ///
    /// - Throws: ``CGITrackerError``, as ``initApp(_:)`` does.
    public convenience init(app: CGIApp) throws(CGITrackerError) {
        self.init()
        try initApp(app)
    }

    /// What delivers the events; nil before the first app. For its statistics, and for `flush` and `shutdown` where
    /// the app is not run by its own `run()`.
    public var tracker: Tracker? { shared.withLock { $0 } }

    /// Installs the tracker in an app, which must have `config.rigidAnalytics` set. Where the first app's
    /// configuration is missing in a further app, the first one's serves both.
    ///
    /// - Throws: ``CGITrackerError``: no configuration, or a tracker is installed already.
    public func initApp(_ app: CGIApp) throws(CGITrackerError) {
        guard app.extensions[Self.extensionName] == nil else { throw .alreadyInstalled }
        let tracker = try tracker(for: app)
        app.extensions[Self.extensionName] = self
        guard tracker.isEnabled else { return }
        app.requestStarted.connect { request in
            guard let interception = tracker.begin(CGISnapshot.take(of: request)) else { return }
            request.storage[MeasurementKey.self] = .begun(interception)
        }
        app.requestFinished.connect { request, response, _ in
            guard case .begun(let interception) = request.storage[MeasurementKey.self] else { return }
            request.storage[MeasurementKey.self] = .done(
                interception.measure(status: response.status, viewName: request.endpointName))
            if let cookie = interception.sessionCookie { response.headers.append(("Set-Cookie", cookie)) }
        }
        app.requestFinished.connect { [unowned app] request, _, _ in
            guard app.runMode == .cgi, request.storage[MeasurementKey.self] != nil else { return }
            let last = LastEvent(configuration: tracker.configuration, options: app.config.cgiDelivery)
            request.storage[LastEventKey.self] = last
            request.log(later: last.lineForTheLog)
        }
        app.responseSent.connect { request, _ in
            guard case .done(let event) = request.storage[MeasurementKey.self] else { return }
            if let last = request.storage[LastEventKey.self] {
                last.deliver(event)
            } else {
                event.send()
            }
        }
        app.onShutdown { tracker.shutdown() }
    }

    private func tracker(for app: CGIApp) throws(CGITrackerError) -> Tracker {
        guard var configuration = app.config.rigidAnalytics else {
            guard let tracker else { throw .notConfigured }
            return tracker
        }
        if app.config.isDebug { configuration.isDebugApp = true }
        return shared.withLock { shared in
            if let shared, Self.haveSameDestination(shared.configuration, configuration) { return shared }
            let tracker = Tracker(configuration: configuration, transport: app.config.rigidAnalyticsTransport)
            if shared == nil { shared = tracker }
            return tracker
        }
    }

    private static func haveSameDestination(_ left: TrackerConfiguration, _ right: TrackerConfiguration) -> Bool {
        left.projectID == right.projectID && left.projectToken == right.projectToken
            && left.backendEndpoint == right.backendEndpoint && left.isDisabled == right.isDisabled
            && left.privacy == right.privacy
    }
}

/// Why a tracker could not be installed. Its description says what to do.
public enum CGITrackerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The app has a tracker already.
    case alreadyInstalled
    /// The app has no `config.rigidAnalytics`.
    case notConfigured

    /// One sentence that says what is wrong and what to do.
    public var description: String {
        switch self {
        case .alreadyInstalled:
            "this app has a tracker already: install one tracker once, or use a second CGIApp"
        case .notConfigured:
            "this app has no configuration for analytics: set app.config.rigidAnalytics = try .fromEnvironment() before initApp"
        }
    }
}
