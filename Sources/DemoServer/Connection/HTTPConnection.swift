import TrackerCore

/// Serves the requests of one connection, one after the other.
///
/// Runs as one task on its event loop. An idle connection costs that task's few hundred bytes and no thread.
struct HTTPConnection {
    let socket: Socket
    let server: HTTPServer
    let remoteAddress: String?

    private var configuration: HTTPServer.Configuration { server.configuration }

    func serve() async {
        var parser = RequestHeadParser(limits: configuration.headLimits)
        var mustDrain = false
        do {
            while !server.isStopping {
                guard let head = try await receiveHead(&parser) else { break }
                guard try await answer(head) else {
                    mustDrain = true
                    break
                }
            }
        } catch let refusal as RequestRefusal {
            mustDrain = true
            await refuse(refusal)
        } catch {
            // The client has disconnected or is too slow.
        }
        await socket.closeGently(drains: mustDrain)
    }

    // MARK: Receiving

    private func receiveHead(_ parser: inout RequestHeadParser) async throws -> RequestHead? {
        // The head timeout starts with the first byte, however slowly the rest arrives.
        var patience: Patience?
        while true {
            // Some clients send an empty line after a body (RFC 9112, section 2.2).
            var start = 0
            while start + 1 < socket.input.count, start < 4, socket.input[start] == 0x0D,
                socket.input[start + 1] == 0x0A
            {
                start += 2
            }
            if let length = try parser.findEnd(in: socket.input, from: start) {
                let head = try parser.parse(socket.input[start..<(start + length)])
                discardInput(start + length)
                return head
            }
            let isIdle = socket.input.isEmpty && patience == nil
            if !isIdle, patience == nil { patience = Patience(configuration.headTimeout) }
            socket.isIdle = isIdle
            let end = await socket.tryReceive(timeout: patience?.left ?? configuration.idleTimeout.nanoseconds)
            socket.isIdle = false
            if end == .timedOut, !isIdle { throw RequestRefusal(408, "the request did not arrive in time") }
            if let end { throw end }
            if patience == nil { patience = Patience(configuration.headTimeout) }
        }
    }

    private func discardInput(_ count: Int) {
        if count == socket.input.count {
            socket.input.removeAll(keepingCapacity: true)
        } else {
            socket.input.removeFirst(count)
        }
    }

    private func receiveBody(_ head: RequestHead) async throws {
        var patience = Patience(configuration.bodyTimeout)
        switch head.framing {
        case .none: return
        case .length(let length):
            guard length <= configuration.maximumBodyBytes else { throw RequestRefusal(413, "the body is too large") }
            try await sendContinue(head)
            while socket.input.count < length { try await receiveMoreBody(&patience) }
            head.request.body = Array(socket.input[..<length])
            discardInput(length)
        case .chunked:
            try await sendContinue(head)
            var decoder = ChunkedDecoder()
            var body: [UInt8] = []
            while true {
                let used = try decoder.decode(socket.input[...], into: &body, limit: configuration.maximumBodyBytes)
                discardInput(used)
                if decoder.isDone { break }
                try await receiveMoreBody(&patience)
            }
            head.request.body = body
        }
    }

    private func receiveMoreBody(_ patience: inout Patience) async throws {
        let before = socket.input.count
        let end = await socket.tryReceive(timeout: patience.left)
        patience.renew(for: socket.input.count - before)
        if end == .timedOut { throw RequestRefusal(408, "the body did not arrive in time") }
        if let end { throw end }
    }

    /// Sends `100 Continue` if the client expects it and has not begun to send the body anyway.
    private func sendContinue(_ head: RequestHead) async throws {
        guard head.expectsContinue, socket.input.isEmpty else { return }
        try await send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }

    // MARK: Answering

    /// - Returns: whether the connection stays open.
    private func answer(_ head: RequestHead) async throws -> Bool {
        let request = head.request
        do {
            try await receiveBody(head)
        } catch let refusal as RequestRefusal {
            // The head is known, so middleware that measures requests sees this one too.
            request.bodyRefusal = HTTPError(status: refusal.status, refusal.reason)
        }
        request.remoteAddress = remoteAddress
        request.localAuthority = server.authority
        server.requestBegan()
        defer { server.requestEnded() }
        var response = await server.handler(request)
        let onSent = response.onSent
        var isComplete = false
        defer { onSent?(isComplete) }
        if !response.isSafe {
            server.log("a response to \(request.method) \(request.rawPath) has a header that can't be sent")
            response = StatusText.page(500)
        }
        let closes = !head.keepsAlive || server.isStopping || request.bodyRefusal != nil
        switch response.body {
        case .bytes(let bytes):
            try await send(bytes, of: response, to: request, closes: closes)
            isComplete = true
            return !closes
        case .stream(let produce):
            let staysOpen = try await stream(produce, of: response, to: request, closes: closes)
            isComplete = true
            return staysOpen
        }
    }

    private func send(_ bytes: [UInt8], of response: HTTPResponse, to request: HTTPRequest, closes: Bool) async throws {
        let hasBody = response.status >= 200 && response.status != 204 && response.status != 304
        var message = ResponseHead.bytes(
            response, length: hasBody ? .known(bytes.count) : .none, date: socket.loop.currentDate(), closes: closes,
            minorVersion: request.minorVersion)
        if hasBody, request.method != "HEAD" { message += bytes }
        try await send(message)
    }

    private func stream(
        _ produce: @Sendable (HTTPBodyWriter) async throws -> Void, of response: HTTPResponse, to request: HTTPRequest,
        closes: Bool
    ) async throws -> Bool {
        let hasBody =
            response.status >= 200 && response.status != 204 && response.status != 304 && request.method != "HEAD"
        let untilClose = hasBody && request.minorVersion == 0
        let head = ResponseHead.bytes(
            response,
            length: untilClose ? .untilClose : (response.status == 204 || response.status == 304 ? .none : .chunked),
            date: socket.loop.currentDate(), closes: closes || untilClose, minorVersion: request.minorVersion)
        let writer = HTTPBodyWriter(
            socket: socket, head: head, coding: hasBody ? (untilClose ? .untilClose : .chunked) : .discard,
            timeout: configuration.sendTimeout.nanoseconds)
        do {
            if hasBody { try await produce(writer) }
        } catch {
            server.log("a streamed response to \(request.method) \(request.rawPath) was cut short: \(error)")
            // Close the connection, so that the client can't take the body for complete.
            throw SocketEnd.closed
        }
        try await writer.finish()
        return !(closes || untilClose)
    }

    private func refuse(_ refusal: RequestRefusal) async {
        let response = StatusText.page(refusal.status, refusal.reason)
        guard case .bytes(let body) = response.body else { return }
        let head = ResponseHead.bytes(
            response, length: .known(body.count), date: socket.loop.currentDate(), closes: true, minorVersion: 1)
        try? await send(head + body)
    }

    private func send(_ bytes: [UInt8]) async throws {
        try await socket.send(bytes, timeout: configuration.sendTimeout.nanoseconds)
    }
}

/// A deadline for a slow sender, extended by each 16 KiB received.
struct Patience {
    private let limit: UInt64
    private var deadline: UInt64
    private var bytes = 0
    /// A client that sends a byte a second must not hold a connection open.
    private static let bytesForMore = 16 * 1024

    init(_ limit: Duration) {
        self.limit = limit.nanoseconds
        deadline = SystemClock.monotonicNanoseconds() &+ self.limit
    }

    /// The nanoseconds left; 0 once the deadline has passed.
    var left: UInt64 {
        let now = SystemClock.monotonicNanoseconds()
        return now < deadline ? deadline - now : 0
    }

    mutating func renew(for count: Int) {
        bytes += max(0, count)
        guard bytes >= Self.bytesForMore else { return }
        bytes = 0
        deadline = SystemClock.monotonicNanoseconds() &+ limit
    }
}
