import HTTPTypes
import Hummingbird
import Logging
import NIOEmbedded
import TrackerCore

struct EmptyMiddleware<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        try await next(request, context)
    }
}

/// Measures what the tracking middleware adds to an empty one: calls both routers alternately, without a network, in
/// 7 rounds.
enum Measurement {
    static func run() async throws {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        configuration.logHandler = { _ in }
        let tracker = try Tracker(
            configuration: configuration,
            transport: InstantTransport())
        let empty = Router(context: AppContext.self)
        empty.add(middleware: EmptyMiddleware())
        let tracked = Router(context: AppContext.self)
        tracked.add(middleware: TrackingMiddleware(tracker))
        for router in [empty, tracked] { router.get("/hello/:name") { _, _ in Response(status: .ok) } }
        let (without, with) = (empty.buildResponder(), tracked.buildResponder())
        let source = ApplicationRequestContextSource(
            channel: NIOAsyncTestingChannel(), logger: Logger(label: "measure"))

        // Batches of about what arrives between two reads of the queue by the delivery thread, with a flush after each.
        func microseconds(_ responder: some HTTPResponder<AppContext>, _ rounds: Int = 100) async throws -> Double {
            var spent = Duration.zero
            for _ in 0..<rounds {
                for _ in 0..<50 {
                    // Each with fields of its own, and few at a time: a server has just parsed them.
                    let requests = (0..<20).map { _ in Self.request() }
                    let start = ContinuousClock.now
                    for request in requests {
                        _ = try await responder.respond(to: request, context: AppContext(source: source))
                    }
                    spent += ContinuousClock.now - start
                }
                await tracker.flush()
            }
            return spent / .microseconds(1) / Double(rounds * 1_000)
        }
        _ = try await (microseconds(without, 10), microseconds(with, 10))
        var added: [Double] = []
        for _ in 0..<7 {
            let pair = try await (microseconds(without), microseconds(with))
            added.append(pair.1 - pair.0)
            print("empty \(pair.0) us, tracked \(pair.1) us, added \(pair.1 - pair.0) us")
        }
        await tracker.shutdown()
        print("median added: \(added.sorted()[3]) us; \(tracker.statistics)")
    }

    /// A request with fifteen header fields, including a session cookie.
    private static func request() -> Request {
        var fields = HTTPFields()
        for number in 0..<14 {
            fields.append(HTTPField(name: HTTPField.Name("X-Field-\(number)") ?? .accept, value: "value \(number)"))
        }
        // One field, as HTTP/1.1 clients send it; the subscript would split it.
        let cookies = "theme=dark; ra_session_id=00112233445566778899aabbccddeeff"
        fields.append(HTTPField(name: .cookie, value: cookies))
        let head = HTTPRequest(
            method: .get, scheme: nil, authority: "example.test", path: "/hello/you?x=1", headerFields: fields)
        return Request(head: head, body: .init(buffer: ByteBuffer()))
    }
}

/// Delivers every payload immediately.
struct InstantTransport: EventTransport {
    func open() throws(TransportUnavailable) -> any TransportSession {
        ImmediateSession { payload in
            DeliveryCompletion(identifier: payload.identifier, outcome: .delivered, acceptsLines: true)
        }
    }
}
