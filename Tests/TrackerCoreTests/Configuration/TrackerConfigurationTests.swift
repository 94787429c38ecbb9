import Testing

@testable import TrackerCore

@Suite("A configuration")
struct TrackerConfigurationTests {
    static let complete = ["RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "s3cr3t-token"]

    @Test("from the environment has the documented defaults")
    func defaults() throws {
        let configuration = try TrackerConfiguration.from(environment: Self.complete)
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
        let configuration = try TrackerConfiguration.from(environment: [
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
            try TrackerConfiguration.from(environment: environment)
        }
        #expect(
            ConfigurationError.missing(variable: variable).description
                == "\(variable) is required but not set; set it in the environment or in code.")
    }

    @Test(
        "refuses a bad value with the variable, the value and what is allowed",
        arguments: [
            ("RA_BACKEND_ENDPOINT", "ftp://x"), ("RA_BACKEND_ENDPOINT", "example.com"),
            ("RA_BACKEND_ENDPOINT", "http://"), ("RA_BACKEND_ENDPOINT", "http://u:p@h"),
            ("RA_BACKEND_ENDPOINT", "http://h?q"), ("RA_BACKEND_ENDPOINT", "http://h:port"),
            ("RA_BACKEND_ENDPOINT", "http://h/a b"), ("RA_DEBUG_DISABLE_ANALYTICS", "maybe"),
            ("RA_PRIVACY", "some"), ("RA_QUEUE_CAPACITY", "0"), ("RA_QUEUE_CAPACITY", "many"),
            ("RA_QUEUE_MAXIMUM_BYTES", "1"), ("RA_CONNECT_TIMEOUT", "-1"), ("RA_CONNECT_TIMEOUT", "0"),
            ("RA_REQUEST_TIMEOUT", "1e9"), ("RA_SHUTDOWN_TIMEOUT", "nan"), ("RA_MAXIMUM_CONNECTIONS", "513"),
            ("RA_LOG_LEVEL", "loud"), ("RA_CA_FILE", "/nowhere/ca.pem"), ("RA_BATCHES", "2"),
        ])
    func refused(variable: String, value: String) throws {
        var environment = Self.complete
        environment[variable] = value
        let error = try #require(throws: ConfigurationError.self) {
            try TrackerConfiguration.from(environment: environment)
        }
        guard case .invalid(let named, _, let allowed) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(named == variable)
        #expect(!allowed.isEmpty)
        #expect(error.description.hasPrefix("\(variable) is \""))
        #expect(!error.description.contains("s3cr3t"))
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
        #expect(try TrackerConfiguration.from(environment: ["RA_DEBUG_DISABLE_ANALYTICS": "1"]).isDisabled)
    }

    @Test("never shows the token")
    func secret() throws {
        let configuration = try TrackerConfiguration.from(environment: Self.complete)
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in [dumped, "\(configuration)", String(reflecting: configuration)] {
            #expect(!text.contains("s3cr3t"))
        }
    }

    @Test(
        "keeps a base path of the endpoint, with one slash between", arguments: ["https://h/base", "https://h/base//"])
    func basePath(endpoint: String) throws {
        let configuration = try TrackerConfiguration(projectID: "p", projectToken: "t", backendEndpoint: endpoint)
        #expect(configuration.backendEndpoint.url(projectID: "p") == "https://h/base/p")
    }
}
