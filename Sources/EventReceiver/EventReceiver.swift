import DemoServer
import Synchronization
import TrackerCore

/// A local stand-in for the backend: takes events, checks them, counts them, and hands each on as one line of JSON.
package final class EventReceiver: Sendable {
    private struct State {
        var statistics = ReceiverStatistics()
        var latest: [String: [UInt8]] = [:]
        var keys = RecentKeys(capacity: 100_000)
        var server: HTTPServer?
    }

    let history: EventHistory
    let liveClients = LiveClients()
    private let options: ReceiverOptions
    private let file: EventFile?
    private let onEvent: @Sendable ([UInt8]) -> Void
    private let state = Mutex(State())
    private static let maximumProjects = 1000
    private static let maximumExpandedBytes = 16 << 20
    private static let linesType = "application/x-ndjson"

    /// - Parameters:
    ///   - file: where events are kept when the program ends; its events are there from the beginning.
    ///   - onEvent: gets each accepted event as one line, without a line end. Called from server threads.
    package init(
        options: ReceiverOptions = .init(), file: EventFile? = nil, onEvent: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.options = options
        self.file = file
        history = EventHistory(capacity: options.keep)
        history.append(file?.takeLoaded() ?? [])
        self.onEvent = onEvent
    }

    package var statistics: ReceiverStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.connections = state.server?.acceptedConnections ?? 0
            statistics.openConnections = state.server?.openConnections ?? 0
            return statistics
        }
    }

    /// Begins to listen.
    ///
    /// - Returns: the port.
    package func start(host: String = "127.0.0.1", port: UInt16 = 0) throws(SystemError) -> UInt16 {
        let router = Router()
        router.on("GET", "/_stats", name: "stats") { [self] _ in HTTPResponse(json: statistics.json + "\n") }
        router.on("POST", "/:project", name: "event") { [self] request in try await take(request) }
        LivePage.addRoutes(to: router)
        addReadingRoutes(to: router, isLocal: Self.isLoopback(host))
        router.on("GET", "/:project", name: "latest") { [self] request in
            let latest = state.withLock { $0.latest[request.parameters["project"] ?? ""] }
            guard let latest else { return StatusText.page(404, "no event of this project has come yet") }
            return HTTPResponse(json: String(decoding: latest, as: UTF8.self) + "\n")
        }
        let server = HTTPServer(configuration: .init(host: host, port: port)) { await router.handle($0) }
        state.withLock { $0.server = server }
        return try server.start()
    }

    package func stop() {
        liveClients.endAll()
        state.withLock { $0.server }?.stop(grace: .seconds(2))
    }

    private func take(_ request: HTTPRequest) async throws -> HTTPResponse {
        if options.delayMilliseconds > 0 { try await Task.sleep(for: .milliseconds(options.delayMilliseconds)) }
        let isBatch = request.header("Content-Type")?.hasPrefix(Self.linesType) == true
        if let coding = request.header("Content-Encoding"), !coding.isEmpty {
            guard options.takesBatches, coding.lowercased() == "gzip", Gzip.isAvailable else {
                return reject("no content coding but gzip is understood here", status: 415)
            }
            guard let body = Gzip.expand(request.body, limit: Self.maximumExpandedBytes) else {
                return reject("the body is not gzip, or too long")
            }
            request.body = body
        }
        let lines = isBatch ? request.body.split(separator: UInt8(ascii: "\n")) : [request.body[...]]
        state.withLock { $0.statistics.received += lines.count }
        if let status = options.status, status != 200 { return failure(status) }
        if options.failRate > 0, Double.random(in: 0..<1) < options.failRate { return failure(503) }
        guard options.takesBatches || !isBatch else { return reject("one event per request, please", status: 415) }
        return accept(lines, key: request.header("Idempotency-Key"), project: request.parameters["project"] ?? "")
    }

    private func accept(_ lines: [ArraySlice<UInt8>], key: String?, project: String) -> HTTPResponse {
        var events: [KeptEvent] = []
        for line in lines {
            do {
                let event = try JSONReader.read(line)
                if let fault = EventValidator.fault(in: event) { return reject(fault) }
                guard options.projectToken.map({ event["project_token"] == .string($0) }) ?? true else {
                    return reject("project_token: not the one of this project", status: 401)
                }
                events.append(
                    KeptEvent(
                        project: project, line: Self.oneLine(line), requestTime: KeptEvent.requestTime(of: event)))
            } catch {
                return reject("not JSON: \(error)")
            }
        }
        let isNew = state.withLock { state -> Bool in
            if let key, !state.keys.insert(key) {
                state.statistics.duplicates += 1
                return false
            }
            state.statistics.accepted += lines.count
            if let latest = lines.last, state.latest[project] != nil || state.latest.count < Self.maximumProjects {
                state.latest[project] = Array(latest)
            }
            return true
        }
        if isNew {
            if let file { file.append(events, to: history) } else { history.append(events) }
            for event in events { onEvent(event.line) }
        }
        var response = HTTPResponse(text: "ok\n")
        if options.takesBatches {
            response.headers.append(("Accept-Post", Self.linesType))
            if Gzip.isAvailable { response.headers.append(("Accept-Encoding", "gzip")) }
        }
        return response
    }

    private func reject(_ reason: String, status: Int = 400) -> HTTPResponse {
        state.withLock { $0.statistics.rejected += 1 }
        return HTTPResponse(status: status, text: "\(reason)\n")
    }

    private func failure(_ status: Int) -> HTTPResponse {
        var response = StatusText.page(status)
        if let seconds = options.retryAfter { response.headers.append(("Retry-After", String(seconds))) }
        return response
    }

    /// Line ends between the members of an event are only layout: within strings JSON has them escaped.
    private static func oneLine(_ event: ArraySlice<UInt8>) -> [UInt8] {
        event.filter { $0 != 0x0A && $0 != 0x0D }
    }
}
