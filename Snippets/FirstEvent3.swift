import TrackerCGI
import TrackerCore

let app = CGIApp()
app.config.rigidAnalytics = try .fromEnvironment()

let tracker = CGITracker()
try tracker.initApp(app)

app.get("/hello/:name/", name: "hello") { request in
    CGIResponse(text: "Hello, \(request.parameter("name") ?? "world")!\n")
}

try app.run()
