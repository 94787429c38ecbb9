import DemoServer

/// Events for those who look at them: the live page's stream, and a project's events as JSON.
extension EventReceiver {
    private static let limits = 1...10_000

    /// - Parameter isLocal: the receiver listens for this machine alone.
    func addReadingRoutes(to router: Router, isLocal: Bool) {
        router.on("GET", "/_live", name: "live") { [history, liveClients] request in
            if isLocal, let refusal = Self.refusal(ofHost: request) { return refusal }
            return LiveStream(history: history, clients: liveClients).response(to: request)
        }
        router.on("GET", "/:project/events", name: "events") { [history] request in
            if isLocal, let refusal = Self.refusal(ofHost: request) { return refusal }
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
                default: return HTTPResponse(status: 400, text: "only limit and since can be asked for\n")
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
        return HTTPResponse(
            headers: [
                ("Content-Type", "application/json"), ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ], body: .bytes(body))
    }

    /// A page of somebody else can have its own name point to this machine, and would then be allowed to read the
    /// events. Its name gives it away.
    private static func refusal(ofHost request: HTTPRequest) -> HTTPResponse? {
        let host = request.header("Host") ?? ""
        guard !isAddressOrLocal(host) else { return nil }
        return HTTPResponse(status: 403, text: "events are shown at http://\(request.localAuthority)/ alone\n")
    }

    private static func isAddressOrLocal(_ authority: String) -> Bool {
        if authority.hasPrefix("[") { return true }
        let name = authority.prefix { $0 != ":" }.lowercased()
        return name == "localhost" || name.hasSuffix(".localhost")
            || name.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
    }

    /// Whether an address to listen on is one that only this machine reaches.
    package static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host == "[::1]"
            || host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
    }
}
