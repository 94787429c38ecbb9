// Ways to configure a tracker.

import TrackerCore

// snippet.code
var configuration = try TrackerConfiguration(
    projectID: "my-project", projectToken: "my-token", backendEndpoint: "https://analytics.example.com")
configuration.spoolDirectory = "/var/lib/my-app/events"
configuration.shutdownTimeout = .seconds(5)
let tracker = try Tracker(configuration: configuration)
// snippet.end

// snippet.environment
var fromEnvironment = try TrackerConfiguration()
fromEnvironment.isDebugApp = true
// snippet.end

// snippet.dictionary
let fromPython = try TrackerConfiguration(dictionary: [
    "PROJECT_ID": "my-project",
    "PROJECT_TOKEN": "my-token",
    "BACKEND_ENDPOINT": "https://analytics.example.com",
    "DEBUG_DISABLE_ANALYTICS": false,
])
// snippet.end

// snippet.log
configuration.logLevel = .warning
configuration.logHandler = { record in
    print("analytics \(record.level) \(record.topic): \(record.message) \(record.metadata)")
}
// snippet.end

// snippet.privacy
configuration.privacy = .strict
// snippet.end

// snippet.policy
configuration.privacy = .standard
configuration.privacy.terms = ["customer-number"]
configuration.privacy.headers = .allowList(["Accept", "Host", "User-Agent"])
configuration.privacy.addresses = .truncate
// snippet.end

// snippet.paths
configuration.privacy.paths = ["/reset/*", "/files/*/download"]
configuration.privacy.kept = [.email, .phone]
configuration.privacy.pathSegments = .template
// snippet.end

// snippet.selection
configuration.ignore = [.healthChecks, .path("/static/*"), .method("OPTIONS")]
configuration.sampleRate = 0.1
configuration.honorsDoNotTrack = true
configuration.beforeSend = { event in
    event.headers.removeAll { $0.name.lowercased() == "x-internal" }
    return event.viewName != "secret-page"
}
// snippet.end

// snippet.proxies
configuration.trustedProxies = .networks(["10.0.0.0/8"])
// snippet.end

// snippet.report
print(configuration.collectionReport())
// snippet.end
print(tracker.isEnabled, fromEnvironment, fromPython)
