import CLibrary

extension TrackerConfiguration {
    /// Reads the `RA_...` variables of the process. An empty variable counts as absent.
    ///
    /// - Throws: ``ConfigurationError`` for the first that is missing or not allowed.
    public static func fromEnvironment() throws(ConfigurationError) -> TrackerConfiguration {
        var values: [String: String] = [:]
        for variable in variables {
            if let value = getenv(variable) { values[variable] = String(cString: value) }
        }
        return try from(environment: values)
    }

    /// Reads the same variables from a dictionary.
    ///
    /// - Throws: ``ConfigurationError`` for the first that is missing or not allowed.
    public static func from(environment: [String: String]) throws(ConfigurationError) -> TrackerConfiguration {
        let reader = ConfigurationReader(values: environment)
        let isOff = try reader.boolean("RA_DEBUG_DISABLE_ANALYTICS")
        if isOff == true, reader.text("RA_PROJECT_ID") == nil || reader.text("RA_PROJECT_TOKEN") == nil {
            return .disabled
        }
        guard let projectID = reader.text("RA_PROJECT_ID") else { throw .missing(variable: "RA_PROJECT_ID") }
        guard let token = reader.text("RA_PROJECT_TOKEN") else { throw .missing(variable: "RA_PROJECT_TOKEN") }
        var configuration = try TrackerConfiguration(
            projectID: projectID, projectToken: token, backendEndpoint: reader.text("RA_BACKEND_ENDPOINT"))
        configuration.debugDisableAnalytics = isOff
        try configuration.readOptions(reader)
        try configuration.validate()
        return configuration
    }

    /// Reads the settings under the names that the Python package uses: `PROJECT_ID`, `PROJECT_TOKEN`,
    /// `BACKEND_ENDPOINT` and `DEBUG_DISABLE_ANALYTICS` (a Boolean, or a text such as `true` or `0`).
    ///
    /// - Throws: ``ConfigurationError`` for the first that is missing, unknown or not allowed.
    public init(dictionary: [String: any Sendable]) throws(ConfigurationError) {
        let known = ["PROJECT_ID", "PROJECT_TOKEN", "BACKEND_ENDPOINT", "DEBUG_DISABLE_ANALYTICS"]
        var values: [String: String] = [:]
        for (key, value) in dictionary {
            guard known.contains(key) else {
                throw .invalid(variable: key, value: "set", allowed: "the keys \(known.joined(separator: ", "))")
            }
            switch value {
            case let text as String: values["RA_\(key)"] = text
            case let flag as Bool: values["RA_\(key)"] = flag ? "true" : "false"
            case let number as Int: values["RA_\(key)"] = String(number)
            case Optional<any Sendable>.none: break
            default:
                throw .invalid(variable: key, value: "a \(type(of: value))", allowed: "a text or a Boolean")
            }
        }
        self = try Self.from(environment: values)
    }

    private mutating func readOptions(_ reader: ConfigurationReader) throws(ConfigurationError) {
        if let mode = try reader.choice("RA_PRIVACY", PrivacyMode.self) { privacy = PrivacyPolicy(mode) }
        privacy.terms.formUnion(reader.list("RA_PRIVACY_TERMS"))
        try readKeptData(reader)
        privacy.paths.formUnion(reader.list("RA_PRIVACY_PATHS"))
        if let segments = try reader.choice("RA_PRIVACY_PATH_SEGMENTS", PrivacyPolicy.PathSegments.self) {
            privacy.pathSegments = segments
        }
        if let addresses = try reader.choice("RA_CLIENT_ADDRESSES", PrivacyPolicy.Addresses.self) {
            privacy.addresses = addresses
        }
        if let text = reader.text("RA_TRUSTED_PROXIES") {
            guard let proxies = TrustedProxies(text: text) else {
                throw .invalid(
                    variable: "RA_TRUSTED_PROXIES", value: text,
                    allowed: "a number of proxies, or networks such as 10.0.0.0/8,::1")
            }
            trustedProxies = proxies
        }
        ignore += reader.list("RA_IGNORE_PATHS").map { $0 == "health-checks" ? .healthChecks : .path($0) }
        if let flag = try reader.boolean("RA_HONOR_DO_NOT_TRACK") { honorsDoNotTrack = flag }
        if let number = try reader.number("RA_SAMPLE_RATE") { sampleRate = number }
        if let flag = try reader.boolean("RA_KEEP_SERVER_ERRORS") { keepsServerErrors = flag }
        if let number = try reader.integer("RA_QUEUE_CAPACITY") { queueCapacity = number }
        if let number = try reader.integer("RA_QUEUE_MAXIMUM_BYTES") { queueMaximumBytes = number }
        if let path = reader.text("RA_SPOOL_DIRECTORY") { spoolDirectory = path }
        if let number = try reader.integer("RA_SPOOL_MAXIMUM_BYTES") { spoolMaximumBytes = number }
        if let time = try reader.duration("RA_SPOOL_MAXIMUM_AGE") { spoolMaximumAge = time }
        if let time = try reader.duration("RA_SPOOL_AFTER") { spoolAfter = time }
        if let path = reader.text("RA_CA_FILE") { caFile = path }
        if let time = try reader.duration("RA_CONNECT_TIMEOUT") { connectTimeout = time }
        if let time = try reader.duration("RA_REQUEST_TIMEOUT") { requestTimeout = time }
        if let number = try reader.integer("RA_MAXIMUM_CONNECTIONS") { maximumConnections = number }
        if let flag = try reader.boolean("RA_BATCHES") { usesBatches = flag }
        if let flag = try reader.boolean("RA_COMPRESSION") { usesCompression = flag }
        if let time = try reader.duration("RA_SHUTDOWN_TIMEOUT") { shutdownTimeout = time }
        if let level = try reader.choice("RA_LOG_LEVEL", LogLevel.self) { logLevel = level }
        if let caFile, access(caFile, R_OK) != 0 {
            throw .invalid(variable: "RA_CA_FILE", value: caFile, allowed: "a readable file of PEM certificates")
        }
    }

    private mutating func readKeptData(_ reader: ConfigurationReader) throws(ConfigurationError) {
        for name in reader.list("RA_PRIVACY_KEEP") {
            guard let kind = PersonalData.named.first(where: { $0.name == name.lowercased() })?.kind else {
                throw .invalid(
                    variable: "RA_PRIVACY_KEEP", value: name,
                    allowed: "a list of \(PersonalData.named.map(\.name).joined(separator: ", "))")
            }
            privacy.kept.insert(kind)
        }
    }

    /// All variables that are read.
    static let variables = [
        "RA_PROJECT_ID", "RA_PROJECT_TOKEN", "RA_BACKEND_ENDPOINT", "RA_DEBUG_DISABLE_ANALYTICS", "RA_PRIVACY",
        "RA_PRIVACY_TERMS", "RA_PRIVACY_KEEP", "RA_PRIVACY_PATHS", "RA_PRIVACY_PATH_SEGMENTS", "RA_CLIENT_ADDRESSES",
        "RA_TRUSTED_PROXIES", "RA_IGNORE_PATHS", "RA_HONOR_DO_NOT_TRACK",
        "RA_SAMPLE_RATE", "RA_KEEP_SERVER_ERRORS",
        "RA_QUEUE_CAPACITY", "RA_QUEUE_MAXIMUM_BYTES", "RA_SPOOL_DIRECTORY", "RA_SPOOL_MAXIMUM_BYTES",
        "RA_SPOOL_MAXIMUM_AGE", "RA_SPOOL_AFTER", "RA_CA_FILE", "RA_CONNECT_TIMEOUT", "RA_REQUEST_TIMEOUT",
        "RA_MAXIMUM_CONNECTIONS", "RA_BATCHES", "RA_COMPRESSION", "RA_SHUTDOWN_TIMEOUT", "RA_LOG_LEVEL",
    ]
}
