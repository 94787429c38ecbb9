/// Runs a request's handlers and sends the answer: STDERR if there is something to say, STDOUT, END_REQUEST.
struct FastCGIResponder: Sendable {
    let server: FastCGIServer
    let ready: FastCGIConnectionState.Ready
    let exchange: FastCGIExchange

    /// On a worker's own thread.
    func run(on worker: FastCGIWorker) {
        if ready.plan.isAsync {
            startTask { await server.app.respond(to: ready.request, ready.plan) }
            return
        }
        deliver(server.app.respondSynchronously(to: ready.request, ready.plan), on: worker)
    }

    private func startTask(_ respond: @escaping @Sendable () async -> CGIResponse) {
        let task = Task {
            let response = await respond()
            switch response.body {
            case .bytes:
                var encoder = FastCGIRecordEncoder()
                sendWhole(response, &encoder)
            case .stream: server.submit { deliver(response, on: $0) }
            case .asyncStream(let write): await stream(response, write)
            }
        }
        exchange.onAbort { task.cancel() }
    }

    private func deliver(_ response: CGIResponse, on worker: FastCGIWorker) {
        switch response.body {
        case .bytes: sendWhole(response, &worker.encoder)
        case .stream(let write): stream(response, write, on: worker)
        case .asyncStream: startTask { response }
        }
    }

    /// Small answers leave with one system call.
    private func sendWhole(_ response: CGIResponse, _ encoder: inout FastCGIRecordEncoder) {
        encoder.reset()
        var head: [UInt8] = []
        head.reserveCapacity(512)
        appendHead(response, to: &head, &encoder)
        if case .bytes(let body) = response.body, allowsBody(response) {
            if body.count <= 16_384 {
                head.append(contentsOf: body)
                encoder.appendStream(.stdout, id: exchange.id, head)
            } else {
                encoder.appendStream(.stdout, id: exchange.id, head)
                encoder.appendStream(.stdout, id: exchange.id, body)
            }
        } else {
            encoder.appendStream(.stdout, id: exchange.id, head)
        }
        end(response, &encoder)
    }

    private func stream(
        _ response: CGIResponse, _ write: @Sendable (CGIBodyWriter) throws -> Void, on worker: FastCGIWorker
    ) {
        let stream = StreamedHead(self, response)
        if allowsBody(response) {
            do {
                try write(writer(stream))
            } catch {
                stream.failed(error)
            }
        }
        worker.encoder.reset()
        stream.finish(&worker.encoder)
    }

    private func stream(
        _ response: CGIResponse, _ write: @Sendable (CGIBodyWriter) async throws -> Void
    ) async {
        let stream = StreamedHead(self, response)
        if allowsBody(response) {
            do {
                try await write(writer(stream))
            } catch {
                stream.failed(error)
            }
        }
        var encoder = FastCGIRecordEncoder()
        stream.finish(&encoder)
    }

    private func writer(_ stream: StreamedHead) -> CGIBodyWriter {
        CGIBodyWriter(
            write: { try exchange.write(stream.records(for: $0)) },
            asyncWrite: { try await exchange.writeAsynchronously(stream.records(for: $0)) })
    }

    fileprivate func allowsBody(_ response: CGIResponse) -> Bool {
        ResponseHead.allowsBody(status: response.status, method: ready.request.method)
    }

    fileprivate func appendHead(
        _ response: CGIResponse, to head: inout [UInt8], _ encoder: inout FastCGIRecordEncoder
    ) {
        ResponseHead.append(response, method: ready.request.method, to: &head)
        if head.count > 4096 { server.warnOfBigHead(head.count) }
        appendLog(&encoder)
    }

    fileprivate func appendLog(_ encoder: inout FastCGIRecordEncoder) {
        let log = ready.request.takeLog()
        if !log.isEmpty { encoder.appendStream(.stderr, id: exchange.id, Array(log.utf8)) }
    }

    fileprivate func end(_ response: CGIResponse, _ encoder: inout FastCGIRecordEncoder) {
        encoder.appendStreamEnd(.stdout, id: exchange.id)
        encoder.appendEndRequest(id: exchange.id, .requestComplete)
        let app = server.app
        let server = server
        let request = ready.request
        encoder.bytes.withUnsafeBytes { records in
            exchange.end(records) {
                app.responseWasSent(request, response)
                server.requestIsDone()
            }
        }
    }
}

/// The head of a streamed answer goes along with the first piece of the body, so that an answer which fails before
/// its first byte can still become a 500.
private final class StreamedHead: Sendable {
    private struct State: Sendable {
        var response: CGIResponse
        var isHeadSent = false
    }

    private let responder: FastCGIResponder
    private let state: ConditionLock<State>

    init(_ responder: FastCGIResponder, _ response: CGIResponse) {
        self.responder = responder
        state = ConditionLock(State(response: response))
    }

    func records(for piece: [UInt8]) -> [UInt8] {
        var encoder = FastCGIRecordEncoder()
        appendHead(&encoder)
        encoder.appendStream(.stdout, id: responder.exchange.id, piece)
        return encoder.take()
    }

    func failed(_ error: any Error) {
        let request = responder.ready.request
        request.log("\(request.method) \(request.requestURI): the body could not be written: \(error)")
        state.withLock { state in
            if !state.isHeadSent { state.response = responder.ready.plan.app.page(500, for: request) }
        }
    }

    func finish(_ encoder: inout FastCGIRecordEncoder) {
        appendHead(&encoder)
        let response = state.withLock { $0.response }
        responder.appendLog(&encoder)
        responder.end(response, &encoder)
    }

    private func appendHead(_ encoder: inout FastCGIRecordEncoder) {
        let response: CGIResponse? = state.withLock { state in
            defer { state.isHeadSent = true }
            return state.isHeadSent ? nil : state.response
        }
        guard let response else { return }
        var head: [UInt8] = []
        responder.appendHead(response, to: &head, &encoder)
        if case .bytes(let page) = response.body, responder.allowsBody(response) { head += page }
        encoder.appendStream(.stdout, id: responder.exchange.id, head)
    }
}
