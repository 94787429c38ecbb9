import Foundation
@preconcurrency import Swifter
import TrackerCore

/// `App [--port N] [--files FOLDER] [--https]`
@main
struct App {
    static func main() throws {
        do { try run() } catch let error as ConfigurationError {
            // One clear line; a thrown error would end the program with a crash report.
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(78)
        }
    }

    static func run() throws {
        let files = option("--files") ?? "public"
        // Blocked before other threads start, so that none of them receives it.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)

        let tracker = try Tracker(configuration: TrackerConfiguration())
        let track = TrackingMiddleware(tracker: tracker, scheme: "http")
        // With https, the middleware's default; behind a proxy, since this server has no TLS.
        let home = CommandLine.arguments.contains("--https") ? TrackingMiddleware(tracker: tracker) : track
        let server = HttpServer()

        server["/"] = home("/") { _ in .ok(.html("<p>Home</p>")) }
        server["/hello/:name"] = track("/hello/:name") { request in
            .ok(.htmlBody("Hello, \(request.params[":name"] ?? "")"))
        }
        server["/redirect"] = track("/redirect") { _ in .raw(302, "Found", ["Location": "/"], nil) }
        server["/denied"] = track("/denied") { _ in .forbidden }
        server["/missing/:id"] = track("/missing/:id") { _ in .notFound }
        server["/boom"] = track("/boom") { _ in .internalServerError }
        server["/upload"] = track("/upload") { request in
            request.body.count <= 1_024
                ? .ok(.text("\(request.body.count) bytes")) : .raw(413, "Content Too Large", nil, nil)
        }
        server["/stream"] = track("/stream") { _ in
            .raw(200, "OK", nil) { writer in
                for number in 1...3 {
                    try writer.write(Array("chunk \(number)\n".utf8))
                    usleep(100_000)
                }
            }
        }
        server["/cookie"] = track("/cookie") { _ in .raw(200, "OK", ["Set-Cookie": "theme=dark; Path=/"], nil) }
        server["/slow"] = track("/slow") { _ in
            usleep(500_000)
            return .ok(.text("slow"))
        }
        server["/socket"] = track("/socket") { request in
            websocket(connected: { session in session.writeText("hello") })(request)
        }
        server.notFoundHandler = track(nil) { request in
            // Serve files as Swifter's own share(_:) would.
            guard !request.path.contains(".."), let data = FileManager.default.contents(atPath: files + request.path)
            else {
                return .notFound
            }
            return .ok(.data(data, contentType: "text/plain"))
        }

        try server.start(in_port_t(option("--port") ?? "8080") ?? 8080, forceIPv4: true, priority: .userInitiated)
        print("listening on \(try server.port())")

        var received: Int32 = 0
        sigwait(&signals, &received)
        server.stop()
        // Swifter's handlers may still run.
        track.finish()
        tracker.shutdown()
        print(tracker.statistics)
    }

    private static func option(_ name: String) -> String? {
        let arguments = CommandLine.arguments
        return arguments.firstIndex(of: name).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
    }
}
