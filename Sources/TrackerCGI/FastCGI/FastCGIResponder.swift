import TrackerCore

/// Runs a request's handlers and sends the response: STDERR if something was logged, STDOUT, END_REQUEST.
///
/// Synchronous handlers, and bodies written by synchronous functions, run on the server's own threads, asynchronous
/// ones on Swift's.
struct FastCGIResponder: Sendable {
    let server: FastCGIServer
    let ready: FastCGIReadyRequest
    let exchange: FastCGIExchange

    /// Starts the request, on this thread if it may block.
    ///
    /// - Parameter worker: nil if the thread must not run app code.
    func start(on worker: Worker?) {
        if ready.plan.isAsync {
            startTask { await server.app.respond(to: ready.request, ready.plan, on: server.pool) }
            return
        }
        let isAccepted =
            if let worker {
                server.pool.run(on: worker) { respond(on: $0) }
            } else {
                server.pool.submit { respond(on: $0) }
            }
        if !isAccepted { decline() }
    }

    /// Answers with 503: too many requests wait for a thread.
    private func decline() {
        server.log.write("threads", "all \(server.pool.maximumThreads) threads are blocked: requests get a 503")
        ready.request.setBody(.failed(.overloaded))
        var encoder = FastCGIRecordEncoder()
        sendWhole(server.app.respondSynchronously(to: ready.request, ready.plan), &encoder, mayBlock: false)
    }

    private func respond(on worker: Worker) {
        deliver(server.app.respondSynchronously(to: ready.request, ready.plan), on: worker)
    }

    private func startTask(_ respond: @escaping @Sendable () async -> CGIResponse) {
        let task = Task {
            let response = await respond()
            switch response.body {
            case .bytes:
                var encoder = FastCGIRecordEncoder()
                sendWhole(response, &encoder, mayBlock: false)
            case .stream:
                // Bounded already, because it counts as a request.
                _ = server.pool.submit(isBounded: false) { deliver(response, on: $0) }
            case .asyncStream(let write): await stream(response, write)
            }
        }
        exchange.onAbort { task.cancel() }
    }

    private func deliver(_ response: CGIResponse, on worker: Worker) {
        switch response.body {
        case .bytes: sendWhole(response, &worker.encoder, mayBlock: true)
        case .stream(let write): stream(response, write, on: worker)
        case .asyncStream: startTask { response }
        }
    }

    /// Sends a response held in memory; small ones take one system call.
    private func sendWhole(_ response: CGIResponse, _ encoder: inout FastCGIRecordEncoder, mayBlock: Bool) {
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
        end(response, &encoder, mayBlock: mayBlock)
    }

    private func stream(_ response: CGIResponse, _ write: @Sendable (CGIBodyWriter) throws -> Void, on worker: Worker) {
        let stream = StreamedHead(self, response)
        if allowsBody(response) {
            do {
                try write(writer(stream))
            } catch {
                if stream.failed(error) { return breakOff(stream.response, error, mayBlock: true) }
            }
        }
        worker.encoder.reset()
        stream.finish(&worker.encoder, mayBlock: true)
    }

    private func stream(_ response: CGIResponse, _ write: @Sendable (CGIBodyWriter) async throws -> Void) async {
        let stream = StreamedHead(self, response)
        if allowsBody(response) {
            do {
                try await write(writer(stream))
            } catch {
                if stream.failed(error) { return breakOff(stream.response, error, mayBlock: false) }
            }
        }
        var encoder = FastCGIRecordEncoder()
        stream.finish(&encoder, mayBlock: false)
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
        if head.count > 4096 { server.warnAboutLargeHead(head.count) }
        appendLog(&encoder)
    }

    fileprivate func appendLog(_ encoder: inout FastCGIRecordEncoder) {
        let log = ready.request.takeLog()
        if !log.isEmpty { encoder.appendStream(.stderr, id: exchange.id, Array(log.utf8)) }
    }

    // MARK: Completion

    /// - Parameter mayBlock: whether the calling thread may run the receivers of `responseSent`.
    fileprivate func end(_ response: CGIResponse, _ encoder: inout FastCGIRecordEncoder, mayBlock: Bool) {
        encoder.appendStreamEnd(.stdout, id: exchange.id)
        encoder.appendEndRequest(id: exchange.id, .requestComplete)
        encoder.bytes.withUnsafeBytes { records in
            exchange.end(records, mayBlock: mayBlock) { isSent, mayBlock in
                var response = response
                // nginx's status for a client that closes the connection before it has the response.
                if !isSent { response.status = 499 }
                conclude(response, mayBlock: mayBlock)
            }
        }
    }

    /// Cuts a response short, so that the client can tell.
    private func breakOff(_ response: CGIResponse, _ error: any Error, mayBlock: Bool) {
        var response = response
        let log = ready.request.takeLog()
        if !log.isEmpty { server.app.config.log(String(log.dropLast())) }
        response.status = ready.request.isCancelled || error as? CGIRequestError == .aborted ? 499 : 500
        exchange.breakOff()
        conclude(response, mayBlock: mayBlock)
    }

    private func conclude(_ response: CGIResponse, mayBlock: Bool) {
        let app = server.app
        let server = server
        let request = ready.request
        let finish: @Sendable () -> Void = {
            app.responseWasSent(request, response)
            server.requestIsDone()
        }
        if mayBlock || app.responseSent.isNonblocking {
            finish()
        } else {
            _ = server.pool.submit(isBounded: false) { _ in finish() }
        }
    }
}

/// Sends the head of a streamed response with the first piece of the body, so that a failure before the first byte can
/// still become a 500.
private final class StreamedHead: Sendable {
    private struct AnswerProgress: Sendable {
        var response: CGIResponse
        var isHeadSent = false
    }

    private let responder: FastCGIResponder
    private let state: ThreadLock<AnswerProgress>

    init(_ responder: FastCGIResponder, _ response: CGIResponse) {
        self.responder = responder
        state = ThreadLock(AnswerProgress(response: response))
    }

    var response: CGIResponse { state.withLock { $0.response } }

    func records(for piece: [UInt8]) -> [UInt8] {
        var encoder = FastCGIRecordEncoder()
        appendHead(&encoder)
        encoder.appendStream(.stdout, id: responder.exchange.id, piece)
        return encoder.take()
    }

    /// - Returns: whether it is too late for an error page.
    func failed(_ error: any Error) -> Bool {
        let request = responder.ready.request
        request.log("\(request.method) \(request.requestURI): the body could not be written: \(error)")
        return state.withLock { state in
            if !state.isHeadSent { state.response = responder.ready.plan.app.errorPage(for: request) }
            return state.isHeadSent
        }
    }

    func finish(_ encoder: inout FastCGIRecordEncoder, mayBlock: Bool) {
        appendHead(&encoder)
        responder.appendLog(&encoder)
        responder.end(response, &encoder, mayBlock: mayBlock)
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
