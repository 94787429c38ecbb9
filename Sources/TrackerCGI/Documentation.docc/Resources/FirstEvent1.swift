import TrackerCGI

let app = CGIApp()

app.get("/hello/:name/", name: "hello") { request in
    CGIResponse(text: "Hello, \(request.parameter("name") ?? "world")!\n")
}

app.run()
