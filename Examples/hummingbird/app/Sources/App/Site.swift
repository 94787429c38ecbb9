import HTTPTypes
import Hummingbird
import HummingbirdWebSocket

/// A page for each kind of response.
enum Site {
    struct Failure: Error {}

    static func addRoutes(to router: Router<AppContext>) {
        router.get("/") { _, _ in "Home" }
        router.get("/hello/:name") { _, context in "Hello, \(try context.parameters.require("name"))" }
        router.get("/redirect") { _, _ in Response.redirect(to: "/", type: .found) }
        router.get("/denied") { _, _ -> String in throw HTTPError(.forbidden) }
        router.get("/missing/:id") { _, _ -> String in throw HTTPError(.notFound, message: "no such thing") }
        router.get("/boom") { _, _ -> String in throw Failure() }
        router.post("/upload") { request, _ in
            let body = try await request.body.collect(upTo: 1_024)
            return "\(body.readableBytes) bytes"
        }
        router.get("/stream") { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    for number in 1...3 {
                        try await writer.write(ByteBuffer(string: "chunk \(number)\n"))
                        try await Task.sleep(for: .milliseconds(100))
                    }
                    try await writer.finish(nil)
                })
        }
        router.get("/cookie") { _, _ in
            Response(status: .ok, headers: [.setCookie: "theme=dark; Path=/"], body: .init(byteBuffer: .init()))
        }
        router.get("/slow") { _, _ in
            try await Task.sleep(for: .milliseconds(500))
            return "slow"
        }
    }

    static func addUpgrades(to router: Router<BasicWebSocketRequestContext>) {
        router.ws("/socket") { _, outbound, _ in try await outbound.write(.text("hello")) }
    }
}

/// A request context that knows its peer's address.
struct AppContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let peer: String?
    let sessions = AppSession()

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress?.ipAddress
    }
}
