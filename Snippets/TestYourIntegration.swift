// Checks in an app's own tests which events it sends.

import TrackerCGI
import TrackerCore

// snippet.test
func eventsOfAVisit() async throws -> [String] {
    let app = CGIApp()
    let transport = InMemoryTransport()
    app.config.rigidAnalytics = try TrackerConfiguration(projectID: "test", projectToken: "test")
    app.config.rigidAnalyticsTransport = transport
    let analytics = CGITracker(app: app)
    app.get("/hello/:name/", name: "hello") { request in
        CGIResponse(text: "Hello, \(request.parameter("name") ?? "")!")
    }

    let variables = [(name: "REQUEST_METHOD", value: "GET"), (name: "REQUEST_URI", value: "/hello/you/")]
    let request = CGIRequest(variables: CGIVariables(variables))
    let response = await app.respond(to: request)
    app.responseWasSent(request, response)

    await analytics.tracker?.flush()
    return transport.events
}
// snippet.end

// snippet.failures
let outage = InMemoryTransport { _ in .retry(after: .seconds(30), because: "the backend is down") }
let refusal = InMemoryTransport { _ in .drop(.rejected, because: "no such project") }
// snippet.end

for event in try await eventsOfAVisit() { print(event) }
print(outage.events, refusal.payloads.count)
