import DemoServer
import Synchronization
import TrackerCore

/// A local stand-in for the backend: receives events, validates and counts them, keeps and shows them, and prints each
/// as one line of JSON.
///
/// Receiving has priority: printing, storing and showing run on threads and tasks of their own.
package final class EventReceiver: Sendable {
    private struct Intake {
        var statistics = ReceiverStatistics()
        var latest: [String: KeptEvent] = [:]
        var keys = RecentKeys(capacity: 100_000)
        var server: HTTPServer?
        var refusedHosts: Set<String> = []
    }

    let history: EventHistory
    let liveClients = LiveClients()
    let options: ReceiverOptions
    let writer: StoreWriter?
    private let output: LineOutput?
    private let log: LineOutput
    private let state = Mutex(Intake())
    private static let maximumProjects = 1000
    private static let maximumProjectBytes = 200
    private static let maximumKeyBytes = 255
    private static let maximumReasonScalars = 200
    private static let maximumExpandedBytes = 16 << 20
    private static let linesType = "application/x-ndjson"
    private static let eventType = "application/json"

    /// - Parameters:
    ///   - store: where events are persisted; those already in it are loaded.
    ///   - output: receives each accepted event as one line.
    ///   - log: receives log messages.
    package init(
        options: ReceiverOptions = .init(), store: consuming EventStore? = nil, output: LineOutput? = nil,
        log: LineOutput
    ) {
        self.options = options
        self.output = output
        self.log = log
        if var store {
            let history = EventHistory(capacity: options.keep, isStored: true)
            history.append(store.takeLoaded(), isNew: false)
            self.history = history
            writer = StoreWriter(store: store, history: history) { log.write($0.utf8) }
        } else {
            history = EventHistory(capacity: options.keep)
            writer = nil
        }
    }

    package var statistics: ReceiverStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.connections = state.server?.acceptedConnections ?? 0
            statistics.openConnections = state.server?.openConnections ?? 0
            statistics.notPrinted = output?.skipped ?? 0
            statistics.viewers = liveClients.count
            return statistics
        }
    }

    /// Starts listening.
    ///
    /// - Returns: the port.
    package func start(host: String = "127.0.0.1", port: UInt16 = 0) throws(SystemError) -> UInt16 {
        let router = Router()
        let rule = HostRule(listeningOn: host, allowed: options.allowedHosts)
        router.use { [self] request, next in
            guard let fault = rule.fault(in: request) else { return try await next(request) }
            return refuse(request, fault)
        }
        router.on("GET", "/_stats", name: "stats") { [self] _ in HTTPResponse(json: statistics.json + "\n") }
        router.on("POST", "/:project", name: "event") { [self] request in try await take(request) }
        LivePage.addRoutes(to: router, folder: options.pageFolder)
        addReadingRoutes(to: router)
        router.on("GET", "/:project", name: "latest") { [self] request in
            let latest = state.withLock { $0.latest[request.parameters["project"] ?? ""] }
            guard let latest else { return StatusText.page(404, "no event of this project has arrived yet") }
            return Self.json(latest.line + [0x0A])
        }
        let server = HTTPServer(configuration: .init(host: host, port: port)) { await router.handle($0) }
        state.withLock { $0.server = server }
        let bound = try server.start()
        try writer?.start()
        return bound
    }

    /// Stops, after printing and storing what it can within a few seconds.
    package func stop() {
        liveClients.endAll()
        state.withLock { $0.server }?.stop(grace: .seconds(2))
        writer?.stop(within: .seconds(5))
        output?.drain(within: .seconds(2))
        log.drain(within: .seconds(1))
    }

    static func json(_ body: [UInt8], type: String = "application/json") -> HTTPResponse {
        HTTPResponse(
            headers: [
                ("Content-Type", type), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
            ], body: .bytes(body))
    }

    // MARK: Receiving events

    private func take(_ request: HTTPRequest) async throws -> HTTPResponse {
        if options.delayMilliseconds > 0 { try await Task.sleep(for: .milliseconds(options.delayMilliseconds)) }
        // Project and key are bounded because they are remembered for up to 100,000 requests.
        let project = request.parameters["project"] ?? ""
        guard project.utf8.count <= Self.maximumProjectBytes else {
            return reject("the project in the path is longer than \(Self.maximumProjectBytes) bytes")
        }
        let key = request.header("Idempotency-Key")
        guard (key?.utf8.count ?? 0) <= Self.maximumKeyBytes else {
            return reject("Idempotency-Key is longer than \(Self.maximumKeyBytes) bytes")
        }
        let type = (request.header("Content-Type") ?? "").prefix { $0 != ";" && $0 != " " }.lowercased()
        guard type == Self.eventType || type == Self.linesType else {
            return reject("events must be \(Self.eventType) or \(Self.linesType)", status: 415)
        }
        let isBatch = type == Self.linesType
        if let coding = request.header("Content-Encoding"), !coding.isEmpty {
            guard options.takesBatches, coding.lowercased() == "gzip", Gzip.isAvailable else {
                return reject("the only supported content coding is gzip", status: 415)
            }
            guard let body = Gzip.expand(request.body, limit: Self.maximumExpandedBytes) else {
                return reject("the body is not valid gzip, or is too long")
            }
            request.body = body
        }
        let lines = isBatch ? request.body.split(separator: UInt8(ascii: "\n")) : [request.body[...]]
        state.withLock { $0.statistics.received += lines.count }
        if let status = options.status, status != 200 { return failure(status) }
        if options.failRate > 0, Double.random(in: 0..<1) < options.failRate { return failure(503) }
        guard options.takesBatches || !isBatch else { return reject("only one event per request", status: 415) }
        return accept(lines, key: key, project: project)
    }

    private func accept(_ lines: [ArraySlice<UInt8>], key: String?, project: String) -> HTTPResponse {
        var events: [KeptEvent] = []
        events.reserveCapacity(lines.count)
        var spread: [Int] = []
        for (index, line) in lines.enumerated() {
            switch EventReading.read(line) {
            case .failure(let fault): return reject(fault.description)
            case .success(let summary):
                guard isToken(summary.token, in: line) else {
                    return reject("project_token: not this project's token", status: 401)
                }
                if summary.hasLineEnds { spread.append(index) }
                events.append(KeptEvent(project: project, line: line, summary: summary))
            }
        }
        let isNew = state.withLock { state -> Bool in
            if let key, !state.keys.insert(project + "\n" + key) {
                state.statistics.duplicates += 1
                return false
            }
            state.statistics.accepted += lines.count
            if let latest = events.last, state.latest[project] != nil || state.latest.count < Self.maximumProjects {
                state.latest[project] = latest
            }
            return true
        }
        if isNew {
            history.append(events)
            writer?.ring()
            if let output {
                // Line breaks between the members of an event carry no meaning.
                var printed = lines
                for index in spread { printed[index] = lines[index].filter { $0 != 0x0A && $0 != 0x0D }[...] }
                output.write(lines: printed)
            }
        }
        var response = HTTPResponse(text: "ok\n")
        if options.takesBatches {
            response.headers.append(("Accept-Post", Self.linesType))
            if Gzip.isAvailable { response.headers.append(("Accept-Encoding", "gzip")) }
        }
        return response
    }

    private func isToken(_ range: Range<Int>, in line: ArraySlice<UInt8>) -> Bool {
        guard let wanted = options.projectToken else { return true }
        let token = line[(line.startIndex + range.lowerBound)..<(line.startIndex + range.upperBound)]
        if token.elementsEqual(wanted.utf8) { return true }
        let quoted = line[(token.startIndex - 1)...token.endIndex]
        return token.contains(UInt8(ascii: "\\")) && (try? JSONReader.read(quoted)) == .string(wanted)
    }

    // MARK: Refusing

    private func refuse(_ request: HTTPRequest, _ fault: String) -> HTTPResponse {
        let isFirst = state.withLock { state in
            state.refusedHosts.count < 20 && state.refusedHosts.insert(fault).inserted
        }
        if isFirst { log.write("EventHandler refused a request: \(fault)".utf8) }
        return HTTPResponse(status: 403, text: "\(fault)\n")
    }

    private func reject(_ reason: String, status: Int = 400) -> HTTPResponse {
        // Not 200 Characters: one may consist of any number of combining marks.
        let reason = String(reason.unicodeScalars.prefix(Self.maximumReasonScalars))
        state.withLock { state in
            state.statistics.rejected += 1
            if status == 401 { state.statistics.wrongToken += 1 }
            state.statistics.lastRejection = reason
        }
        return HTTPResponse(status: status, text: "\(reason)\n")
    }

    private func failure(_ status: Int) -> HTTPResponse {
        var response = StatusText.page(status)
        if let seconds = options.retryAfter { response.headers.append(("Retry-After", String(seconds))) }
        return response
    }
}
