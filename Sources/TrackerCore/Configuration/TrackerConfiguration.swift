import CLibrary

/// Everything that can be set about a tracker. Checked where it is made; a value that exists is usable.
public struct TrackerConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
    /// The project's id: the last part of the address that events are posted to.
    public let projectID: String
    /// The project's secret: in every event, never in a log.
    public let projectToken: String
    /// Where events go.
    public var backendEndpoint: BackendEndpoint

    /// Whether the tracker is off; nil: off where ``isDebugApp`` says so.
    public var debugDisableAnalytics: Bool?
    /// Whether the app runs in its own debug mode. Set by the app, not read from the environment.
    public var isDebugApp = false

    /// How much of a request may leave the host.
    public var privacy = PrivacyPolicy.standard
    /// Whose `X-Forwarded-*` and `Forwarded` fields shape `full_url`.
    public var trustedProxies = TrustedProxies.none

    /// Requests that are not tracked at all.
    public var ignore: [IgnoreRule] = []
    /// Whether a visitor who sends `DNT: 1` or `Sec-GPC: 1` is not tracked, and gets no cookie.
    public var honorsDoNotTrack = false
    /// The share of sessions whose requests become events; 0 to 1. Below 1 each event has a `sample_weight`.
    public var sampleRate = 1.0
    /// Whether requests with a status of 500 or more become events even if their session does not.
    public var keepsServerErrors = true
    /// Changes an event or, by returning false, drops it, before it is filtered and written. Called on the delivery
    /// thread; one that throws drops its event.
    public var beforeSend: (@Sendable (inout EventDraft) throws -> Bool)?

    /// Events that may wait in memory, those on their way included; 1 to 1,000,000.
    public var queueCapacity = 32_768
    /// Bytes of content (names, values, addresses) that may wait, which is about what the events will be long;
    /// 64 KiB to 1 GiB.
    public var queueMaximumBytes = 32 << 20

    /// A directory of the app's own for events that can't be delivered now: an outage, a full queue, the end of the
    /// process. Made with mode 0700 if it is missing. Several processes may share it. nil: memory is all there is.
    public var spoolDirectory: String?
    /// Bytes on disk, of all processes that share the directory; 64 KiB to 1 TiB. Beyond it the oldest go.
    public var spoolMaximumBytes = 64 << 20
    /// How long an event may be in memory alone where there is a spool: then it is written there, whatever the backend
    /// does. 0: each event is written before it is sent. 0 to 5 min.
    public var spoolAfter = Duration.seconds(1)
    /// Events on disk that are older are not delivered any more; 1 s to 30 days.
    public var spoolMaximumAge = Duration.seconds(24 * 60 * 60)

    /// A file of certificate authorities (PEM) to trust instead of the system's; for a backend with a private one.
    public var caFile: String?
    /// Connection timeout to the backend, with DNS and TLS; 1 ms to 5 min.
    public var connectTimeout = Duration.seconds(2)
    /// How long a whole request to the backend may take; 1 ms to 5 min.
    public var requestTimeout = Duration.seconds(10)
    /// Connections to the backend at most, opened only while events wait; 1 to 512. Over HTTP/2 there are at most 8,
    /// each with as many requests at a time as the backend allows.
    public var maximumConnections = 64
    /// Whether several events may go in one request to a backend that says it takes them.
    public var usesBatches = true
    /// Whether batches are sent as gzip to a backend that says it takes that. Needs the system's zlib; without it, no.
    public var usesCompression = true
    /// When to try again.
    public var retryPolicy = RetryPolicy()
    /// How long `Tracker.shutdown(timeout:)` may take unless it is told otherwise; 0 to 5 min. If the backend takes
    /// nothing for half of that time, it ends then. With a spool, a machine that is too busy to write what is left in
    /// time gets up to 2 s more.
    public var shutdownTimeout = Duration.seconds(4)

    /// Whether a shutdown also delivers what others left on disk, as long as there is time. For a process that lives for
    /// one request.
    package var drainsSpoolAtShutdown = false
    /// How much longer than its deadline a shutdown may take, where the machine does not let the delivery thread keep it:
    /// on a busy one, what is left reaches the disk late, and without this not at all.
    package var shutdownGrace: Duration { spoolDirectory == nil ? .milliseconds(80) : .seconds(2) }

    /// Messages below this level are not written.
    public var logLevel = TrackerLogRecord.Level.info
    /// Where messages go; by default to standard error, one line each. Must be quick; called from the delivery thread.
    public var logHandler: @Sendable (TrackerLogRecord) -> Void = TrackerLog.standardError

    /// Variables of the environment that look like settings and are none; the tracker warns of them.
    var misspeltVariables: [MisspeltVariable] = []

    /// Whether no event is made.
    public var isDisabled: Bool { debugDisableAnalytics ?? isDebugApp }

    /// Configures a tracker in code.
    ///
    /// - Parameters:
    ///   - projectID: must not be empty, nor `.` or `..`.
    ///   - projectToken: must not be empty.
    ///   - backendEndpoint: `http` or `https` with a host and an optional path; nil or empty:
    ///     `https://rigidanalytics.com`.
    /// - Throws: ``ConfigurationError``, with the names of the variables that could set the values.
    public init(
        projectID: String, projectToken: String, backendEndpoint: String? = nil
    ) throws(ConfigurationError) {
        guard !projectID.trimmingSpaces().isEmpty else { throw .missing(variable: "RA_PROJECT_ID") }
        guard projectID != ".", projectID != "..", Self.isPrintable(projectID) else {
            throw .invalid(
                variable: "RA_PROJECT_ID", value: projectID, allowed: "the id that your project has at the backend")
        }
        guard !projectToken.trimmingSpaces().isEmpty else { throw .missing(variable: "RA_PROJECT_TOKEN") }
        guard let endpoint = BackendEndpoint(backendEndpoint ?? "") else {
            throw .invalid(
                variable: "RA_BACKEND_ENDPOINT", value: backendEndpoint ?? "", allowed: BackendEndpoint.allowed)
        }
        self.projectID = projectID
        self.projectToken = projectToken
        self.backendEndpoint = endpoint
    }

    /// A tracker that does nothing.
    public static var disabled: TrackerConfiguration {
        TrackerConfiguration(disabledEndpoint: .standard)
    }

    /// Without id and token, so that an app can be started without them where analytics are off.
    private init(disabledEndpoint: BackendEndpoint) {
        projectID = ""
        projectToken = ""
        backendEndpoint = disabledEndpoint
        debugDisableAnalytics = true
    }

    /// Checks the numbers and paths that were set after `init`. ``Tracker`` does so as well.
    ///
    /// - Throws: ``ConfigurationError`` for the first that is not allowed.
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
                variable: "RA_TRUSTED_PROXIES", value: "\(trustedProxies)",
                allowed: "a number of proxies, or networks such as 10.0.0.0/8,::1")
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
        if let caFile, access(caFile, R_OK) != 0 {
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

    private static func isPrintable(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    /// Says where events go; never the token.
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
    /// How long to wait before trying a delivery again.
    ///
    /// Full jitter: uniform in `0...min(cap, base * 2^attempt)`, so that a fleet does not come back in step after an
    /// outage. What a server asks for (`Retry-After`; RFC 9110, section 10.2.3) is a lower bound.
    public struct RetryPolicy: Sendable, Equatable {
        /// The bound of the first wait.
        public var base: Duration = .seconds(1)
        /// The bound of every wait.
        public var cap: Duration = .seconds(60)
        /// The longest wait that a server may ask for.
        public var retryAfterCap: Duration = .seconds(300)

        /// The default policy.
        public init() {}

        /// - Parameters:
        ///   - attempt: 0 for the first retry.
        ///   - retryAfter: what the server asked for, if it did.
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
