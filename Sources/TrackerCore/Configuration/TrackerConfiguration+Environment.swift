extension TrackerConfiguration {
    /// Creates a configuration from the `RA_...` variables. An empty variable counts as absent.
    ///
    ///     let configuration = try TrackerConfiguration()
    ///
    /// A variable with this prefix that is not a setting is not an error: the tracker names it in a warning, with the
    /// most similar setting.
    ///
    /// - Parameter environment: the variables; nil: those of the process.
    /// - Throws: ``ConfigurationError`` for the first variable that is missing or has a value that is not allowed.
    public init(environment: [String: String]? = nil) throws(ConfigurationError) {
        // Whoever has read the file passes its variables here.
        let known = environment == nil ? Self.variables : Self.variables + [MisspelledVariable.environmentFile]
        let environment = environment ?? ProcessEnvironment.variables(prefix: "RA_")
        let reader = ConfigurationReader(values: environment)
        let misspelled = MisspelledVariable.find(in: environment.keys, known: known)
        let isOff = try reader.boolean("RA_DEBUG_DISABLE_ANALYTICS")
        if isOff == true, reader.text("RA_PROJECT_ID") == nil || reader.text("RA_PROJECT_TOKEN") == nil {
            self = .disabled
        } else {
            func required(_ variable: String) throws(ConfigurationError) -> String {
                if let text = reader.text(variable) { return text }
                throw .missing(variable: variable, misspelled: misspelled.first { $0.nearest == variable }?.name)
            }
            try self.init(
                projectID: required("RA_PROJECT_ID"), projectToken: required("RA_PROJECT_TOKEN"),
                backendEndpoint: reader.text("RA_BACKEND_ENDPOINT"))
            debugDisableAnalytics = isOff
            try readOptions(reader)
            try validate()
        }
        misspelledVariables = misspelled
    }

    /// Creates a configuration from the Python package's keys: `PROJECT_ID`, `PROJECT_TOKEN`, `BACKEND_ENDPOINT` and
    /// `DEBUG_DISABLE_ANALYTICS` (a Boolean, 0 or 1, or a text such as `true`).
    ///
    /// - Throws: ``ConfigurationError``. An unknown key is reported under its own name, and a missing or rejected value
    ///   under that of its variable, such as `RA_PROJECT_ID`.
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
                throw .invalid(variable: key, value: "a \(type(of: value))", allowed: "a string or a Boolean")
            }
        }
        try self.init(environment: values)
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
                    variable: "RA_TRUSTED_PROXIES", value: text, allowed: TrustedProxies.allowed)
            }
            trustedProxies = proxies
        }
        for path in reader.list("RA_IGNORE_PATHS") {
            ignore.append(path.lowercased() == "health-checks" ? .healthChecks : .path(path))
        }
        if let flag = try reader.boolean("RA_HONOR_DO_NOT_TRACK") { honorsDoNotTrack = flag }
        if let number = try reader.number("RA_SAMPLE_RATE", in: SettingRange.sampleRate) {
            sampleRate = number
        }
        if let flag = try reader.boolean("RA_KEEP_SERVER_ERRORS") { keepsServerErrors = flag }
        if let number = try reader.integer("RA_QUEUE_CAPACITY", in: SettingRange.queueCapacity) {
            queueCapacity = number
        }
        if let number = try reader.integer("RA_QUEUE_MAXIMUM_BYTES", in: SettingRange.queueMaximumBytes) {
            queueMaximumBytes = number
        }
        if let path = reader.text("RA_SPOOL_DIRECTORY") { spoolDirectory = path }
        if let number = try reader.integer("RA_SPOOL_MAXIMUM_BYTES", in: SettingRange.spoolMaximumBytes) {
            spoolMaximumBytes = number
        }
        if let time = try reader.duration("RA_SPOOL_MAXIMUM_AGE", in: SettingRange.spoolMaximumAge) {
            spoolMaximumAge = time
        }
        if let time = try reader.duration("RA_SPOOL_AFTER", in: SettingRange.spoolAfter) {
            spoolAfter = time
        }
        if let path = reader.text("RA_CA_FILE") { caFile = path }
        if let time = try reader.duration("RA_CONNECT_TIMEOUT", in: SettingRange.timeout) {
            connectTimeout = time
        }
        if let time = try reader.duration("RA_REQUEST_TIMEOUT", in: SettingRange.timeout) {
            requestTimeout = time
        }
        if let number = try reader.integer("RA_MAXIMUM_CONNECTIONS", in: SettingRange.maximumConnections) {
            maximumConnections = number
        }
        if let flag = try reader.boolean("RA_BATCHES") { usesBatches = flag }
        if let flag = try reader.boolean("RA_COMPRESSION") { usesCompression = flag }
        if let time = try reader.duration("RA_SHUTDOWN_TIMEOUT", in: SettingRange.shutdownTimeout) {
            shutdownTimeout = time
        }
        if let level = try reader.choice("RA_LOG_LEVEL", TrackerLogRecord.Level.self) { logLevel = level }
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

    /// All settings' variables.
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
