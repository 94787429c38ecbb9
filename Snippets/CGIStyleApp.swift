// A complete program. Under a web server it runs as CGI or FastCGI.

// snippet.cgi
import TrackerCGI

let app = CGIApp()

let tracker = CGITracker(app: app)

app.get("/hello/:name/", name: "hello") { request in
    CGIResponse(text: "Hello, \(request.parameter("name") ?? "world")!\n")
}

app.run()
// snippet.end
