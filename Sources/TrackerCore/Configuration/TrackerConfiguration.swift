import CLibrary

/// The settings of a tracker.
///
/// The initializers check their values; ``validate()``, which ``Tracker`` calls, checks properties set afterward.
public struct TrackerConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
    /// The project's id: the last path segment of the URL that events are posted to.
    public let projectID: String
    /// The project's secret: sent in every event, never logged.
    public let projectToken: String
    /// The address of the backend that events are sent to.
    public var backendEndpoint: BackendEndpoint

    /// Whether the tracker is disabled; nil: disabled if ``isDebugApp`` is true.
    public var debugDisableAnalytics: Bool?
    /// Whether the app runs in its own debug mode. Set by the app, not read from the environment.
    public var isDebugApp = false

    /// The rules for which parts of a request may leave the host.
    public var privacy = PrivacyPolicy.standard
    /// The proxies whose `X-Forwarded-*` and `Forwarded` fields are used for `full_url`.
    public var trustedProxies = TrustedProxies.none

    /// Requests that are not tracked at all.
    public var ignore: [IgnoreRule] = []
    /// Whether visitors who send `DNT: 1` or `Sec-GPC: 1` are not tracked and get no cookie.
    public var honorsDoNotTrack = false
    /// The share of sessions whose requests become events; 0 to 1. Below 1, each event has a `sample_weight`.
    public var sampleRate = 1.0
    /// Whether requests with a status of 500 or more become events even if their session is not sampled.
    public var keepsServerErrors = true
    /// A hook that may change an event, or drop it by returning false, before it is filtered and encoded. Called on the
    /// delivery thread; if it throws, the event is dropped.
    public var beforeSend: (@Sendable (inout EventDraft) throws -> Bool)?

    /// The maximum number of events in memory, including those in flight; 1 to 1,000,000.
    public var queueCapacity = 32_768
    /// The maximum size of events in memory, in bytes of content (names, values, URLs), which is about their encoded
    /// size; 64 KiB to 1 GiB. Up to 576 requests whose events are written but which are not released yet are not
    /// counted.
    public var queueMaximumBytes = 32 << 20

    /// The app's own directory for events that can't be delivered now: in an outage, with a full queue, at the end of
    /// the process. Created if missing; its mode becomes 0700. Several processes may share it. nil: memory only.
    public var spoolDirectory: String?
    /// The maximum size of the spool, for all processes that share it; 2 MiB to 1 TiB. Beyond it, the oldest events are
    /// dropped.
    public var spoolMaximumBytes = 64 << 20
    /// With a spool, how long an event may exist only in memory before it is written to disk, whatever the backend
    /// does; 0 to 5 min. 0: each event is written before it is sent.
    public var spoolAfter = Duration.seconds(1)
    /// The maximum age of events on disk; older ones are not delivered; 1 s to 30 days.
    public var spoolMaximumAge = Duration.seconds(24 * 60 * 60)

    /// A PEM file of certificate authorities to trust instead of the system's, for a backend with a private one.
    public var caFile: String?
    /// The connection timeout, including DNS and TLS; 1 ms to 5 min.
    public var connectTimeout = Duration.seconds(2)
    /// The timeout of a whole request to the backend; 1 ms to 5 min.
    public var requestTimeout = Duration.seconds(10)
    /// The maximum number of connections to the backend, opened only while events wait; 1 to 512. Over HTTP/2 at most
    /// 8, each with as many concurrent requests as the backend allows.
    public var maximumConnections = 64
    /// Whether to send several events in one request to a backend that announces support.
    public var usesBatches = true
    /// Whether to gzip batches for a backend that announces support. A no-op without the system's zlib.
    public var usesCompression = true
    /// How long to wait before a retry.
    public var retryPolicy = RetryPolicy()
    /// The default timeout of `Tracker.shutdown(timeout:)`; 0 to 5 min. The shutdown ends early if the backend accepts
    /// nothing for half of it. With a spool, it may take up to 2 s longer on a machine too busy to write what is left
    /// in time.
    public var shutdownTimeout = Duration.seconds(4)

    /// Whether a shutdown also delivers events that other processes left on disk, if there is time. For one-request
    /// processes.
    package var drainsSpoolAtShutdown = false
    /// How long a shutdown may overrun its deadline on a busy machine, where events may reach the disk late; without
    /// this they would be lost.
    package var shutdownGrace: Duration { spoolDirectory == nil ? .milliseconds(80) : .seconds(2) }

    /// The minimum level of messages to write.
    public var logLevel = TrackerLogRecord.Level.info
    /// Handles messages; by default writes each as a line to standard error. Must be fast: called on the delivery
    /// thread, and for startup messages on the caller's.
    public var logHandler: @Sendable (TrackerLogRecord) -> Void = TrackerLog.standardError

    /// Environment variables that look like settings but are not; the tracker warns about them.
    var misspelledVariables: [MisspelledVariable] = []

    /// Whether the tracker is disabled and makes no events.
    public var isDisabled: Bool { debugDisableAnalytics ?? isDebugApp }

    /// Creates a configuration in code.
    ///
    /// - Parameters:
    ///   - projectID: must not be empty, `.` or `..`, nor contain control characters.
    ///   - projectToken: must not be empty.
    ///   - backendEndpoint: `http` or `https` with a host and an optional path; nil or empty:
    ///     `https://rigidanalytics.com`.
    /// - Throws: ``ConfigurationError``, which names the variable that could set the value.
    public init(
        projectID: String, projectToken: String, backendEndpoint: String? = nil
    ) throws(ConfigurationError) {
        guard !projectID.trimmingSpaces().isEmpty else { throw .missing(variable: "RA_PROJECT_ID") }
        guard projectID != ".", projectID != "..", !projectID.utf8.contains(where: ASCII.isControl)
        else {
            throw .invalid(
                variable: "RA_PROJECT_ID", value: projectID, allowed: "your project's id at the backend")
        }
        guard !projectToken.trimmingSpaces().isEmpty else { throw .missing(variable: "RA_PROJECT_TOKEN") }
        guard let endpoint = BackendEndpoint(backendEndpoint ?? "") else {
            throw .invalid(
                variable: "RA_BACKEND_ENDPOINT", value: BackendEndpoint.withoutCredentials(backendEndpoint ?? ""),
                allowed: BackendEndpoint.allowed)
        }
        self.projectID = projectID
        self.projectToken = projectToken
        self.backendEndpoint = endpoint
    }

    /// A configuration that disables the tracker.
    public static var disabled: TrackerConfiguration {
        TrackerConfiguration(disabledEndpoint: .standard)
    }

    /// Creates a configuration without id and token, so that an app can start without them if analytics are disabled.
    private init(disabledEndpoint: BackendEndpoint) {
        projectID = ""
        projectToken = ""
        backendEndpoint = disabledEndpoint
        debugDisableAnalytics = true
    }

    /// Checks the values set after `init`: ranges, path patterns, trusted proxies, and whether `caFile` can be read.
    /// ``Tracker`` calls it, too.
    ///
    /// - Throws: ``ConfigurationError`` for the first value that is not allowed.
    public func validate() throws(ConfigurationError) {
        try Self.check(queueCapacity, in: SettingRange.queueCapacity, "RA_QUEUE_CAPACITY")
        try Self.check(queueMaximumBytes, in: SettingRange.queueMaximumBytes, "RA_QUEUE_MAXIMUM_BYTES")
        guard SettingRange.sampleRate.contains(sampleRate) else {
            throw .invalid(
                variable: "RA_SAMPLE_RATE", value: "\(sampleRate)",
                allowed: SettingRange.describe(SettingRange.sampleRate))
        }
        try checkPaths()
        guard trustedProxies.isValid else {
            throw .invalid(
                variable: "RA_TRUSTED_PROXIES", value: "\(trustedProxies)", allowed: TrustedProxies.allowed)
        }
        try Self.check(spoolMaximumBytes, in: SettingRange.spoolMaximumBytes, "RA_SPOOL_MAXIMUM_BYTES")
        try Self.check(spoolMaximumAge, in: SettingRange.spoolMaximumAge, "RA_SPOOL_MAXIMUM_AGE")
        try Self.check(spoolAfter, in: SettingRange.spoolAfter, "RA_SPOOL_AFTER")
        try Self.check(maximumConnections, in: SettingRange.maximumConnections, "RA_MAXIMUM_CONNECTIONS")
        try Self.check(connectTimeout, in: SettingRange.timeout, "RA_CONNECT_TIMEOUT")
        try Self.check(requestTimeout, in: SettingRange.timeout, "RA_REQUEST_TIMEOUT")
        try Self.check(shutdownTimeout, in: SettingRange.shutdownTimeout, "RA_SHUTDOWN_TIMEOUT")
        try Self.check(retryPolicy.base, in: SettingRange.pause, "retryPolicy.base")
        try Self.check(retryPolicy.cap, in: SettingRange.pause, "retryPolicy.cap")
        try Self.check(retryPolicy.retryAfterCap, in: SettingRange.pause, "retryPolicy.retryAfterCap")
    }

    private func checkPaths() throws(ConfigurationError) {
        if let pattern = privacy.paths.sorted().first(where: { !PathRules.isPattern($0) }) {
            throw .invalid(
                variable: "RA_PRIVACY_PATHS", value: pattern,
                allowed: "paths such as /reset/* and /files/*/download, each * a whole segment")
        }
        for rule in ignore {
            guard let path = rule.pattern, !path.hasPrefix("/"), !path.hasPrefix("*") else { continue }
            throw .invalid(
                variable: "RA_IGNORE_PATHS", value: path,
                allowed: "paths that begin with a slash, such as /health and /assets/*, or the word health-checks")
        }
        if let caFile, !Self.isReadableFile(caFile) {
            throw .invalid(variable: "RA_CA_FILE", value: caFile, allowed: "a readable file of PEM certificates")
        }
    }

    private static func check(_ value: Int, in range: ClosedRange<Int>, _ variable: String) throws(ConfigurationError) {
        guard range.contains(value) else {
            throw .invalid(variable: variable, value: String(value), allowed: SettingRange.describe(range))
        }
    }

    private static func check(
        _ value: Duration, in range: ClosedRange<Duration>, _ variable: String
    ) throws(ConfigurationError) {
        guard range.contains(value) else {
            throw .invalid(
                variable: variable, value: SettingRange.text(value), allowed: SettingRange.describe(range))
        }
    }

    private static func isReadableFile(_ path: String) -> Bool {
        var status = stat()
        return access(path, R_OK) == 0 && stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR
    }

    /// The URL that events are posted to and the privacy preset; never contains the token.
    public var description: String {
        isDisabled ? "analytics disabled" : "\(backendEndpoint.url(projectID: projectID)), privacy \(privacy.name)"
    }

    /// Keeps the token out of `dump` and of debuggers' summaries.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "projectID": projectID, "projectToken": "[Filtered]", "backendEndpoint": backendEndpoint.description,
                "isDisabled": isDisabled, "privacy": privacy.name,
            ])
    }
}

extension TrackerConfiguration {
    /// How long to wait before a retry.
    ///
    /// Full jitter: uniform in `0...min(cap, base * 2^attempt)`, so that a fleet does not retry in step after an
    /// outage. A server's `Retry-After` (RFC 9110, section 10.2.3) is a lower bound.
    public struct RetryPolicy: Sendable, Equatable {
        /// The upper bound of the first wait; 0 to 1 day.
        public var base: Duration = .seconds(1)
        /// The upper bound of every wait that the server did not ask for; 0 to 1 day.
        public var cap: Duration = .seconds(60)
        /// The upper bound of a server's `Retry-After`; 0 to 1 day.
        public var retryAfterCap: Duration = .seconds(300)

        /// Creates the default policy.
        public init() {}

        /// Returns the time to wait, in nanoseconds.
        ///
        /// - Parameters:
        ///   - attempt: 0 for the first retry.
        ///   - retryAfter: the server's `Retry-After`, if any.
        func delay(attempt: Int, retryAfter: Duration?, using random: inout some RandomNumberGenerator) -> UInt64 {
            let base = max(1, base.nanoseconds)
            let cap = max(1, cap.nanoseconds)
            let shift = min(max(attempt, 0), 32)
            let (scaled, overflow) = base.multipliedReportingOverflow(by: 1 << UInt64(shift))
            let jittered = UInt64.random(in: 0...(overflow ? cap : min(cap, scaled)), using: &random)
            guard let retryAfter else { return jittered }
            return max(jittered, min(retryAfter, retryAfterCap).nanoseconds)
        }
    }
}
