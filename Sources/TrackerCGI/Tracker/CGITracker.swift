import Synchronization
import TrackerCore

/// Tracks every request of a ``CGIApp``: one event for each, whatever its outcome.
///
///     let app = CGIApp()
///     let tracker = CGITracker(app: app)
///
/// It hooks into the app's signals like any other extension. One tracker may serve several apps.
///
/// Nothing is sent, and libcurl is not loaded, before the client has its response. Under FastCGI, events then go to the
/// delivery thread. Under CGI, a child process in its own session delivers the event, so that neither the response nor
/// the next request on the same connection waits for it.
public final class CGITracker: Sendable {
    /// The tracker's name in an app's `extensions`.
    public static let extensionName = "rigidanalytics"

    /// The measurement of a request. A class, because the request's storage hands it out several times, and copying all
    /// that an interception references would cost more than the measurement itself.
    private final class Measurement: Sendable {
        /// How the request was answered.
        struct Answer {
            /// When the response was ready, in monotonic nanoseconds.
            let readyAt = SystemClock.monotonicNanoseconds()
            let status: Int
            /// How the event is delivered under CGI; nil: by the tracker.
            var last: LastEvent?
        }

        let interception: Interception
        /// nil before the response is ready, and once it is sent.
        private let answer = Mutex<Answer?>(nil)

        init(_ interception: Interception) { self.interception = interception }

        /// - Returns: false if there already is an answer.
        func setAnswer(_ given: Answer) -> Bool {
            answer.withLock { answer in
                guard answer == nil else { return false }
                answer = given
                return true
            }
        }

        func takeAnswer() -> Answer? { answer.withLock { $0.take() } }
    }

    private enum MeasurementKey: CGIStorageKey {
        typealias Value = Measurement
    }

    private let shared = Mutex<Tracker?>(nil)

    /// Creates a tracker without an app; see ``initApp(_:)``.
    public init() {}

    /// Creates a tracker and installs it in an app; see ``initApp(_:)``.
    public convenience init(app: CGIApp) {
        self.init()
        initApp(app)
    }

    /// The tracker of the first app that had usable settings; nil before that. For its statistics, and for `flush` and
    /// `shutdown` if the app is not run by its own `run()`.
    ///
    /// An app with another destination or other privacy settings gets a tracker of its own, which that app shuts down
    /// and reports.
    public var tracker: Tracker? { shared.withLock { $0 } }

    /// Installs the tracker in an app, with the settings of `config.rigidAnalytics`, or else of the environment's
    /// `RA_...` variables and of the file named by `RA_ENV_FILE`.
    ///
    /// Misconfigured analytics do not stop a site: without usable settings the app runs untracked, and one log line
    /// says what is missing. ``install(in:)`` throws instead.
    public func initApp(_ app: CGIApp) {
        do throws(CGITrackerError) {
            try install(in: app)
        } catch {
            app.config.log("tracker: no analytics: \(error)")
            app.onCheck("settings") { .failed("\(error)") }
        }
    }

    /// Installs the tracker in an app, as ``initApp(_:)`` does. An app without settings of its own shares those of the
    /// tracker's first app.
    ///
    /// - Throws: ``CGITrackerError`` if there are no usable settings, or a tracker is installed already.
    public func install(in app: CGIApp) throws(CGITrackerError) {
        guard app.extensions[Self.extensionName] == nil else { throw .alreadyInstalled }
        let tracker = try tracker(for: app)
        app.extensions[Self.extensionName] = self
        guard tracker.isEnabled else { return }
        app.requestStarted.connect(isNonblocking: true) { request in
            guard let interception = tracker.begin(CGISnapshot.take(of: request)) else { return }
            request.storage[MeasurementKey.self] = Measurement(interception)
        }
        app.requestFinished.connect(isNonblocking: true) { [unowned app] request, response, _ in
            guard let measurement = request.storage[MeasurementKey.self] else { return }
            var answer = Measurement.Answer(status: response.status)
            if app.runMode == .cgi {
                answer.last = LastEvent(configuration: tracker.configuration, options: app.config.cgiDelivery)
            }
            guard measurement.setAnswer(answer) else { return }
            if let last = answer.last { request.log(later: last.lineForTheLog) }
            if let cookie = measurement.interception.sessionCookie { response.appendValid("Set-Cookie", cookie) }
        }
        app.responseSent.connect(isNonblocking: true) { request, response in
            guard let measurement = request.storage[MeasurementKey.self], let answer = measurement.takeAnswer() else {
                return
            }
            // A different status means that the response was cut short, or that the client was gone.
            let end = response.status == answer.status ? answer.readyAt : SystemClock.monotonicNanoseconds()
            let (interception, viewName) = (measurement.interception, request.endpointName)
            if let last = answer.last {
                last.deliver(interception.measure(at: end, status: response.status, viewName: viewName))
            } else {
                interception.finish(at: end, status: response.status, viewName: viewName)
            }
        }
        app.onShutdown { tracker.shutdown() }
        CGITrackerChecks.add(to: app, tracker.configuration)
        app.onStatusReport { "tracker: \(tracker.statistics)" }
    }

    private func tracker(for app: CGIApp) throws(CGITrackerError) -> Tracker {
        if app.config.rigidAnalytics == nil, let tracker { return tracker }
        do {
            var configuration = try app.config.rigidAnalytics ?? CGISettings.configuration()
            if app.config.isDebug { configuration.isDebugApp = true }
            return try shared.withLock { shared in
                if let shared, Self.haveSameDestination(shared.configuration, configuration) { return shared }
                let tracker = try Tracker(
                    configuration: configuration, transport: app.config.rigidAnalyticsTransport)
                if shared == nil { shared = tracker }
                return tracker
            }
        } catch {
            throw .settings("\(error)")
        }
    }

    private static func haveSameDestination(_ left: TrackerConfiguration, _ right: TrackerConfiguration) -> Bool {
        left.projectID == right.projectID && left.projectToken == right.projectToken
            && left.backendEndpoint == right.backendEndpoint && left.isDisabled == right.isDisabled
            && left.privacy == right.privacy
    }
}

/// An error that keeps a tracker from being installed. Its description says what to do.
public struct CGITrackerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of errors. Later versions may add others.
    public struct Code: Sendable, Hashable {
        private let number: UInt8

        /// The app has a tracker already.
        public static let alreadyInstalled = Code(number: 0)
        /// A setting is missing or not allowed, or the file named by `RA_ENV_FILE` can't be read.
        public static let settings = Code(number: 1)
    }

    /// The kind of error.
    public let code: Code
    /// One sentence that says what is wrong and what to do.
    public let description: String

    static let alreadyInstalled = CGITrackerError(
        code: .alreadyInstalled,
        description: "this app already has a tracker: install it once, or use a second CGIApp")

    static func settings(_ text: String) -> CGITrackerError {
        CGITrackerError(code: .settings, description: text)
    }
}

/// Takes what an event needs from a CGI request: references to its variables, which are read on the delivery thread.
enum CGISnapshot {
    static func take(of request: CGIRequest) -> RequestSnapshot {
        // Not the request itself: it may hold a body, which would stay in the queue with the event.
        let variables = request.variables
        let host = request.host
        return RequestSnapshot(
            method: request.method, target: request.requestURI, scheme: request.scheme, host: host ?? "",
            // Built only if it is needed.
            serverAuthority: host.map(HostAndPort.isPlain) == true ? "" : request.serverAuthority,
            headers: RequestHeaders(
                cookie: cookieHeader(variables), contentBytes: variables.bytes.count,
                deferred: { HeaderList.headers(of: variables) }),
            cookies: {
                CookieReader.parse(HeaderList.cookieBytes(of: variables))
            },
            remoteAddress: request.remoteAddress, style: .cgi)
    }

    /// Returns all `Cookie` fields joined: some servers send each as a variable of its own.
    private static func cookieHeader(_ variables: CGIVariables) -> String? {
        variables.lastIndex(of: "HTTP_COOKIE") == nil
            ? nil : TextDecoding.string(HeaderList.cookieBytes(of: variables))
    }
}
