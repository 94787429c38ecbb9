import TrackerCore
import Vapor

/// A page for each kind of response.
enum Site {
    struct Failure: Error {}

    static func addRoutes(to app: Application) {
        app.get { _ in "Home" }
        app.get("hello", ":name") { request in "Hello, \(request.parameters.get("name") ?? "")" }
        app.get("redirect") { request in request.redirect(to: "/", redirectType: .normal) }
        app.get("denied") { _ -> String in throw Abort(.forbidden) }
        app.get("missing", ":id") { _ -> String in throw Abort(.notFound, reason: "no such thing") }
        app.get("boom") { _ -> String in throw Failure() }
        app.on(.POST, "upload", body: .collect(maxSize: 1_024)) { request in
            "\(request.body.data?.readableBytes ?? 0) bytes"
        }
        app.get("stream") { _ in
            Response(
                status: .ok,
                body: .init(asyncStream: { writer in
                    for number in 1...3 {
                        try await writer.writeBuffer(ByteBuffer(string: "chunk \(number)\n"))
                        try await Task.sleep(for: .milliseconds(100))
                    }
                    try await writer.write(.end)
                }))
        }
        app.get("cookie") { _ in
            Response(status: .ok, headers: ["Set-Cookie": "theme=dark; Path=/"])
        }
        app.get("slow") { _ in
            try await Task.sleep(for: .milliseconds(500))
            return "slow"
        }
        app.webSocket("socket") { _, socket in try? await socket.send("hello") }
    }
}

// snippet.session
extension Request {
    /// The visitor's id, created in the app's session if it has none.
    func analyticsSession() -> SessionIdentifier {
        if let known = session.data["analytics"].flatMap({ SessionIdentifier($0) }) { return known }
        let created = SessionIdentifier()
        session.data["analytics"] = created.description
        return created
    }
}
// snippet.end
