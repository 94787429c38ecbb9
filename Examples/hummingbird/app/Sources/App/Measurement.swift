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
        tracked.add(middleware: TrackingMiddleware(tracker: tracker))
        for router in [empty, tracked] { router.get("/hello/:name") { _, _ in Response(status: .ok) } }
        let (without, with) = (empty.buildResponder(), tracked.buildResponder())
        let source = ApplicationRequestContextSource(
            channel: NIOAsyncTestingChannel(), logger: Logger(label: "measure"))

        // Few requests at a time, as between two reads of the queue by the delivery thread. Each is new, because a
        // server has just parsed it, and is released in the measured time, as a server releases it.
        func spend(_ spent: inout Duration, _ responder: some HTTPResponder<AppContext>) async throws {
            for _ in 0..<50 {
                var requests = (0..<20).map { _ in Self.request() }
                let start = ContinuousClock.now
                while let request = requests.popLast() {
                    _ = try await responder.respond(to: request, context: AppContext(source: source))
                }
                spent += ContinuousClock.now - start
            }
            await tracker.flush()
        }
        // In turns within a round, too: the machine's speed may change from second to second.
        func round(_ turns: Int) async throws -> (empty: Double, tracked: Double) {
            var (empty, tracked) = (Duration.zero, Duration.zero)
            for _ in 0..<turns {
                try await spend(&empty, without)
                try await spend(&tracked, with)
            }
            let requests = Double(turns * 1_000)
            return (empty / .microseconds(1) / requests, tracked / .microseconds(1) / requests)
        }
        _ = try await round(10)
        var added: [Double] = []
        for _ in 0..<7 {
            let pair = try await round(100)
            added.append(pair.tracked - pair.empty)
            print("empty \(pair.empty) us, tracked \(pair.tracked) us, added \(pair.tracked - pair.empty) us")
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
