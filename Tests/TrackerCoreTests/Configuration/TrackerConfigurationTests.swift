import Testing

@testable import TrackerCore

@Suite("A configuration")
struct TrackerConfigurationTests {
    static let complete = ["RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "s3cr3t-token"]

    @Test("from the environment has the documented defaults")
    func defaults() throws {
        let configuration = try TrackerConfiguration(environment: Self.complete)
        #expect(configuration.backendEndpoint.url(projectID: "p") == "https://rigidanalytics.com/p")
        #expect(!configuration.isDisabled)
        #expect(configuration.privacy == .standard)
        #expect(configuration.queueCapacity == 32_768)
        #expect(configuration.queueMaximumBytes == 32 << 20)
        #expect(configuration.connectTimeout == .seconds(2))
        #expect(configuration.requestTimeout == .seconds(10))
        #expect(configuration.shutdownTimeout == .seconds(4))
    }

    @Test("reads every variable")
    func everyVariable() throws {
        let configuration = try TrackerConfiguration(environment: [
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": "http://127.0.0.1:8001/base/",
            "RA_DEBUG_DISABLE_ANALYTICS": "no", "RA_PRIVACY": "none", "RA_QUEUE_CAPACITY": "7",
            "RA_QUEUE_MAXIMUM_BYTES": "70000", "RA_CONNECT_TIMEOUT": "250ms", "RA_REQUEST_TIMEOUT": "1.5",
            "RA_MAXIMUM_CONNECTIONS": "3", "RA_BATCHES": "off", "RA_SHUTDOWN_TIMEOUT": "3s", "RA_LOG_LEVEL": "debug",
        ])
        #expect(configuration.backendEndpoint.url(projectID: "a b/ü") == "http://127.0.0.1:8001/base/a%20b%2F%C3%BC")
        #expect(configuration.debugDisableAnalytics == false)
        #expect(configuration.privacy == .none)
        #expect(configuration.queueCapacity == 7)
        #expect(configuration.queueMaximumBytes == 70_000)
        #expect(configuration.connectTimeout == .milliseconds(250))
        #expect(configuration.requestTimeout == .milliseconds(1500))
        #expect(configuration.maximumConnections == 3)
        #expect(!configuration.usesBatches)
        #expect(configuration.shutdownTimeout == .seconds(3))
        #expect(configuration.logLevel == .debug)
    }

    @Test(
        "names the variable that is missing",
        arguments: [
            ([:], "RA_PROJECT_ID"), (["RA_PROJECT_ID": "p"], "RA_PROJECT_TOKEN"),
            (["RA_PROJECT_ID": " ", "RA_PROJECT_TOKEN": "t"], "RA_PROJECT_ID"),
        ])
    func missing(environment: [String: String], variable: String) {
        #expect(throws: ConfigurationError.missing(variable: variable)) {
            try TrackerConfiguration(environment: environment)
        }
        #expect(
            ConfigurationError.missing(variable: variable).description
                == "\(variable) is required but not set; set it in the environment or in code.")
    }

    @Test(
        "refuses a bad value with the variable, the value and what is allowed",
        arguments: [
            ("RA_BACKEND_ENDPOINT", "ftp://x"), ("RA_BACKEND_ENDPOINT", "example.com"),
            ("RA_BACKEND_ENDPOINT", "http://"), ("RA_SPOOL_MAXIMUM_BYTES", "2000000"),
            ("RA_BACKEND_ENDPOINT", "http://h?q"), ("RA_BACKEND_ENDPOINT", "http://h:port"),
            ("RA_BACKEND_ENDPOINT", "http://h/a b"), ("RA_DEBUG_DISABLE_ANALYTICS", "maybe"),
            ("RA_PRIVACY", "some"), ("RA_QUEUE_CAPACITY", "0"), ("RA_QUEUE_CAPACITY", "many"),
            ("RA_QUEUE_MAXIMUM_BYTES", "1"), ("RA_CONNECT_TIMEOUT", "-1"), ("RA_CONNECT_TIMEOUT", "0"),
            ("RA_REQUEST_TIMEOUT", "1e9"), ("RA_SHUTDOWN_TIMEOUT", "nan"), ("RA_MAXIMUM_CONNECTIONS", "513"),
            ("RA_LOG_LEVEL", "loud"), ("RA_CA_FILE", "/nowhere/ca.pem"), ("RA_CA_FILE", "/"), ("RA_BATCHES", "2"),
            ("RA_SPOOL_MAXIMUM_AGE", "31d"), ("RA_SPOOL_MAXIMUM_AGE", "24 hours"), ("RA_SPOOL_AFTER", "6m"),
            ("RA_CONNECT_TIMEOUT", "0x10"), ("RA_CONNECT_TIMEOUT", "1.2.3"), ("RA_CONNECT_TIMEOUT", "ms"),
            ("RA_CONNECT_TIMEOUT", "2\u{301}s"), ("RA_SAMPLE_RATE", "nan"), ("RA_SAMPLE_RATE", "1.5"),
            ("RA_IGNORE_PATHS", "health"),
        ])
    func refused(variable: String, value: String) throws {
        var environment = Self.complete
        environment[variable] = value
        let error = try #require(throws: ConfigurationError.self) {
            try TrackerConfiguration(environment: environment)
        }
        #expect(error.code == .invalid && error.variable == variable && error.value == value)
        #expect(!error.allowed.isEmpty)
        #expect(error.description.hasPrefix("\(variable) is \""))
        #expect(!error.description.contains("s3cr3t"))
    }

    @Test(
        "reads a time with its unit, and plain seconds",
        arguments: [
            ("24h", Duration.seconds(86_400)), ("30d", .seconds(30 * 86_400)), ("500ms", .milliseconds(500)),
            ("90", .seconds(90)), ("90s", .seconds(90)), ("5m", .seconds(300)), ("1.5h", .seconds(5_400)),
            ("14D", .seconds(14 * 86_400)), ("1209600", .seconds(14 * 86_400)),
        ])
    func times(text: String, expected: Duration) throws {
        let variable = expected < .seconds(1) ? "RA_CONNECT_TIMEOUT" : "RA_SPOOL_MAXIMUM_AGE"
        let configuration = try TrackerConfiguration(environment: Self.complete.merging([variable: text]) { $1 })
        #expect(expected == (expected < .seconds(1) ? configuration.connectTimeout : configuration.spoolMaximumAge))
    }

    @Test("says the setting's own limits")
    func limits() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try TrackerConfiguration(environment: Self.complete.merging(["RA_SPOOL_MAXIMUM_AGE": "60d"]) { $1 })
        }
        #expect(
            error.description
                == "RA_SPOOL_MAXIMUM_AGE is \"60d\", which is not allowed; use a time from 1s to 30d, in seconds or "
                + "with a unit: 500ms, 2, 90s, 5m, 24h.")
        let inCode = try #require(throws: ConfigurationError.self) {
            var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
            configuration.connectTimeout = .seconds(301)
            try configuration.validate()
        }
        #expect(
            inCode.description
                == "RA_CONNECT_TIMEOUT is \"301s\", which is not allowed; use a time from 1ms to 5m, in seconds or "
                + "with a unit: 500ms, 2, 90s, 5m, 24h.")
    }

    @Test(
        "finds variables that are spelled wrong",
        arguments: [
            ("RA_SAMPEL_RATE", "RA_SAMPLE_RATE"), ("RA_SPOOL_DIR", "RA_SPOOL_DIRECTORY"),
            ("RA_PROJECT_TOKN", "RA_PROJECT_TOKEN"), ("RA_BACKEND_URL", "RA_BACKEND_ENDPOINT"),
            ("RA_TOKEN", "RA_PROJECT_TOKEN"), ("RA_PRIVACY_PROTECTION", "RA_PRIVACY"),
            ("RA_TIMEOUT", nil), ("RA_COLOUR", nil),
            ("RA_" + String(repeating: "X", count: 100_000), nil),
        ])
    func misspelled(name: String, nearest: String?) throws {
        let environment = Self.complete.merging([name: "1", "PATH": "/bin", "RA_ENV_FILE": "x"]) { $1 }
        let found = try TrackerConfiguration(environment: environment).misspelledVariables
        #expect(found.map(\.nearest) == [nearest])
        #expect(found.allSatisfy { name.hasPrefix($0.name) && $0.name.utf8.count <= 64 })
    }

    @Test("says that a router app does not read RA_ENV_FILE")
    func environmentFile() {
        let found = MisspelledVariable.find(in: ["RA_ENV_FILE"], known: TrackerConfiguration.variables)
        #expect(
            found.map(\.warning) == [
                "RA_ENV_FILE is set, but only CGI and FastCGI apps read it: set the variables in the environment"
            ])
    }

    @Test("names a misspelled variable where a required one is missing")
    func misspelledRequired() {
        let error = #expect(throws: ConfigurationError.self) {
            try TrackerConfiguration(environment: ["RA_PROJECT_ID": "p", "RA_PROJCT_TOKEN": "s3cr3t-token"])
        }
        #expect(
            error?.description == "RA_PROJECT_TOKEN is required but not set; "
                + "RA_PROJCT_TOKEN is set, but the setting is spelled RA_PROJECT_TOKEN.")
    }

    @Test("from a dictionary has the Python package's keys")
    func dictionary() throws {
        let configuration = try TrackerConfiguration(dictionary: [
            "PROJECT_ID": "p", "PROJECT_TOKEN": "t", "BACKEND_ENDPOINT": "", "DEBUG_DISABLE_ANALYTICS": true,
        ])
        #expect(configuration.backendEndpoint == .standard)
        #expect(configuration.isDisabled)
        #expect(throws: ConfigurationError.self) { try TrackerConfiguration(dictionary: ["PROJEKT_ID": "p"]) }
        #expect(throws: ConfigurationError.self) {
            try TrackerConfiguration(dictionary: ["PROJECT_ID": "p", "PROJECT_TOKEN": 1.5])
        }
    }

    @Test("leaves it to the app's debug flag whether it is disabled, unless told")
    func debugFlag() throws {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        configuration.isDebugApp = true
        #expect(configuration.isDisabled)
        configuration.debugDisableAnalytics = false
        #expect(!configuration.isDisabled)
    }

    @Test("that is disabled needs no project")
    func disabled() throws {
        #expect(try TrackerConfiguration(environment: ["RA_DEBUG_DISABLE_ANALYTICS": "1"]).isDisabled)
    }

    @Test("never shows the token")
    func secret() throws {
        let configuration = try TrackerConfiguration(environment: Self.complete)
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in [dumped, "\(configuration)", String(reflecting: configuration)] {
            #expect(!text.contains("s3cr3t"))
        }
    }

    @Test(
        "repeats a refused endpoint without its user name and password",
        arguments: [
            "https://us3r:s3cr3t@h.example/base", "https://us3r:s3/cr3t@h.example", "us3r:s3cr3t@h.example",
            "us3r:s3/cr3t@h.example", "us3r://cr3t@h.example:8/x",
        ])
    func endpointCredentials(endpoint: String) throws {
        let error = try #require(throws: ConfigurationError.self) {
            try TrackerConfiguration(projectID: "p", projectToken: "t", backendEndpoint: endpoint)
        }
        #expect(error.description.contains("[Filtered]@h.example") && !error.description.contains("cr3t"))
        #expect(!error.description.contains("us3r"))
    }

    @Test(
        "keeps a base path of the endpoint, with one slash between", arguments: ["https://h/base", "https://h/base//"])
    func basePath(endpoint: String) throws {
        let configuration = try TrackerConfiguration(projectID: "p", projectToken: "t", backendEndpoint: endpoint)
        #expect(configuration.backendEndpoint.url(projectID: "p") == "https://h/base/p")
    }
}
