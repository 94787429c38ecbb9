import DemoServer

/// The routes for readers: the live page's stream and history, and a project's events as JSON.
extension EventReceiver {
    private static let limits = 1...10_000
    private static let pageBytes = 8 << 20

    func addReadingRoutes(to router: Router) {
        router.on("GET", "/_live", name: "live") { [self] request in
            LiveStream(history: history, clients: liveClients, status: { self.statusJSON }).response(to: request)
        }
        router.on("GET", "/_events", name: "older") { [history] request in
            let values = Dictionary(request.queryParameters.map { ($0.name, $0.value) }) { $1 }
            guard let before = values["before"].flatMap({ Int($0) }), before >= 0,
                let limit = Int(values["limit"] ?? "1000"), Self.limits.contains(limit)
            else { return HTTPResponse(status: 400, text: "before: a number; limit: from 1 to 10000\n") }
            var body: [UInt8] = []
            for (number, event) in history.read(before: before, limit: limit, bytes: Self.pageBytes) {
                body += "{\"n\":\(number),\"project\":\(JSONText.quoted(event.project)),\"event\":".utf8
                body += event.line
                body += [UInt8(ascii: "}"), 0x0A]
            }
            return Self.json(body, type: "application/x-ndjson")
        }
        router.on("GET", "/:project/events", name: "events") { [history] request in
            var limit = 100
            var since: Int64?
            for (name, value) in request.queryParameters {
                switch name {
                case "limit":
                    guard let number = Int(value), Self.limits.contains(number) else {
                        return HTTPResponse(
                            status: 400,
                            text:
                                "limit: not a whole number from \(Self.limits.lowerBound) to \(Self.limits.upperBound)\n"
                        )
                    }
                    limit = number
                case "since":
                    guard let time = Int64(value), time >= 0 else {
                        return HTTPResponse(
                            status: 400, text: "since: not a number of nanoseconds since 1970-01-01, UTC\n")
                    }
                    since = time
                default: return HTTPResponse(status: 400, text: "the only parameters are limit and since\n")
                }
            }
            let project = request.parameters["project"] ?? ""
            return Self.list(history.events(of: project, limit: limit, after: since))
        }
    }

    private static func list(_ events: [KeptEvent]) -> HTTPResponse {
        var body: [UInt8] = [UInt8(ascii: "[")]
        for (index, event) in events.enumerated() {
            if index > 0 { body += [UInt8(ascii: ","), 0x0A] }
            body += event.line
        }
        body += [UInt8(ascii: "]"), 0x0A]
        return json(body)
    }

    /// The event handler's own state, for the live page.
    private var statusJSON: String {
        let statistics = statistics
        let extent = history.extent
        let store = writer?.status
        let members: [(String, String)] = [
            ("first", "\(extent.first)"), ("end", "\(extent.end)"), ("oldest", "\(extent.oldest / 1_000_000)"),
            ("keep", "\(history.capacity)"), ("received", "\(statistics.received)"),
            ("rejected", "\(statistics.rejected)"), ("wrongToken", "\(statistics.wrongToken)"),
            ("lastRejection", statistics.lastRejection.map(JSONText.quoted) ?? "null"),
            ("checksToken", "\(options.projectToken != nil)"), ("notPrinted", "\(statistics.notPrinted)"),
            ("store", store.map { JSONText.quoted($0.path) } ?? "null"),
            ("storeTrouble", store?.trouble.map(JSONText.quoted) ?? "null"), ("notStored", "\(store?.lost ?? 0)"),
        ]
        return "{\(members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ","))}"
    }

    /// Whether only this machine can reach a listening address.
    package static func isLoopback(_ host: String) -> Bool { HostRule.isLoopback(host) }
}
