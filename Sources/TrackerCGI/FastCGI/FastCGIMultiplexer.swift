import TrackerCore

/// The requests of one connection, and the effect of records on them: bytes in, outcomes out. Does no I/O.
struct FastCGIMultiplexer: Sendable {
    private var reader = FastCGIMessageReader()
    private(set) var requests: [FastCGIRequestState] = []
    /// Whether a handler reads its body more slowly than it arrives; nothing is received until it has caught up.
    private(set) var isPaused = false
    /// Whether the web server sends no more.
    private(set) var isInputAtEnd = false
    /// Whether a request was answered before all of its input had arrived.
    private(set) var owesInput = false
    /// Whether at least one request has begun.
    private var isUsed = false
    private(set) var lastActivity: Int

    init(now: Int) {
        lastActivity = now
    }

    /// True between two records.
    var isAtBoundary: Bool { reader.isAtBoundary }
    /// True between two requests, as far as can be told.
    var isIdle: Bool { requests.isEmpty && isAtBoundary }
    /// True while no handler is running.
    var isUnfinished: Bool {
        requests.allSatisfy { request in
            if case .running = request.phase { false } else { true }
        }
    }

    func index(ofID id: UInt16) -> Int? { requests.firstIndex { $0.id == id } }
    func index(ofSerial serial: UInt64) -> Int? { requests.firstIndex { $0.serial == serial } }

    // MARK: Input

    /// Processes bytes from the web server.
    mutating func ingest(_ bytes: UnsafeRawBufferPointer, _ context: FastCGIContext, _ outcome: inout FastCGIOutcome) {
        lastActivity = context.now
        var cursor = ByteCursor(bytes)
        while !outcome.isViolation, let message = reader.next(&cursor) { take(message, context, &outcome) }
    }

    private mutating func take(
        _ message: FastCGIMessageReader.Message, _ context: FastCGIContext, _ outcome: inout FastCGIOutcome
    ) {
        switch message {
        case .begin(let id, let begin): self.begin(id, begin, context, &outcome)
        case .params(let id, let piece, let recordBytes):
            guard let index = index(ofID: id) else { return }
            let maximum = context.limits.maximumParameterBytes
            apply(requests[index].takeParams(piece, recordBytes: recordBytes, maximum: maximum), to: index, &outcome)
        case .endOfParams(let id):
            guard let index = index(ofID: id) else { return }
            apply(requests[index].endParams(context), to: index, &outcome)
        case .body(let id, let piece):
            guard let index = index(ofID: id) else { return }
            apply(requests[index].takeBody(piece, now: context.now), to: index, &outcome)
        case .endOfBody(let id):
            guard let index = index(ofID: id) else { return }
            apply(requests[index].endBody(), to: index, &outcome)
        case .abort(let id): if let index = index(ofID: id) { abort(index, &outcome) }
        case .getValues(let names): outcome.replies.appendGetValuesResult(context.values(askedFor: names))
        case .unknownType(let type): outcome.replies.appendUnknownType(type)
        case .otherVersion(let version):
            outcome.complain("version", "a web server sent a record of FastCGI version \(version)")
            outcome.isViolation = true
        }
    }

    private mutating func begin(
        _ id: UInt16, _ begin: FastCGIMessageReader.Begin?, _ context: FastCGIContext, _ outcome: inout FastCGIOutcome
    ) {
        // If the ID were in use, two live requests would share their streams.
        guard let begin, index(ofID: id) == nil else {
            outcome.complain("begin", "a web server sent a malformed or repeated BEGIN_REQUEST record")
            outcome.isViolation = true
            return
        }
        isUsed = true
        let admission = context.admission
        if begin.role != FastCGIRecord.responderRole {
            outcome.complain("role", "a web server asked for role \(begin.role); only responders (1) are served")
            decline(id, begin.keepsConnection, .unknownRole, &outcome)
        } else if let serial = admission.claim() {
            requests.append(
                FastCGIRequestState(
                    id: id, serial: serial, keepsConnection: begin.keepsConnection, budget: admission.bodies,
                    now: context.now))
        } else {
            outcome.complain(
                "requests", "\(admission.maximumRequests) requests are in progress: further ones get a 503")
            outcome.reply(503, to: id)
            decline(id, begin.keepsConnection, .overloaded, &outcome)
        }
    }

    /// Ends a request that has no handler.
    private mutating func decline(
        _ id: UInt16, _ keepsConnection: Bool, _ status: FastCGIRecord.ProtocolStatus, _ outcome: inout FastCGIOutcome
    ) {
        outcome.replies.appendEndRequest(id: id, status)
        owesInput = true
        if !keepsConnection { outcome.closes = true }
    }

    private mutating func apply(
        _ verdict: FastCGIRequestState.Verdict, to index: Int, _ outcome: inout FastCGIOutcome
    ) {
        switch verdict {
        case .goesOn: break
        case .starts(let isStreaming):
            if let ready = requests[index].start(isStreaming: isStreaming) { outcome.ready.append(ready) }
        case .isReadable:
            if requests[index].isFull { isPaused = true }
            outcome.readable.append(requests[index].serial)
        case .refused(let status, let reason):
            let request = requests.remove(at: index)
            outcome.dropped += 1
            outcome.complain("\(status)", "a request was answered with \(status): \(reason)")
            outcome.reply(status, to: request.id)
            decline(request.id, request.keepsConnection, .requestComplete, &outcome)
        case .failed(let error):
            if error == .overloaded {
                outcome.complain("memory", "request bodies take too much memory in total: one request got a 503")
            }
            requests[index].fail(error)
            apply(.starts(isStreaming: false), to: index, &outcome)
        }
    }

    // MARK: Bodies

    /// The result of reading from a body.
    enum Reading {
        /// - `resumes`: reading from the socket may resume.
        case bytes([UInt8], resumes: Bool)
        case failed(CGIRequestError)
        case wait
    }

    mutating func read(_ serial: UInt64, upTo maximum: Int, now: Int) -> Reading {
        guard let index = index(ofSerial: serial) else { return .failed(.aborted) }
        switch requests[index].read(upTo: maximum, now: now) {
        case .success(let piece):
            let resumes = isPaused && requests[index].hasRoom
            if resumes { isPaused = false }
            return .bytes(piece, resumes: resumes)
        case .failure(let error): return .failed(error)
        case nil:
            if isInputAtEnd { return .failed(.aborted) }
            requests[index].wait(now: now)
            return .wait
        }
    }

    // MARK: Ending requests

    /// Ends a request.
    ///
    /// - Returns: whether the connection stays open, and whether reading from the socket may resume.
    mutating func end(_ serial: UInt64, now: Int) -> (keepsConnection: Bool, resumes: Bool)? {
        guard let index = index(ofSerial: serial) else { return nil }
        let request = requests.remove(at: index)
        if !request.hasWholeBody { owesInput = true }
        // The web server may reuse the connection from now on, however long the handler took.
        lastActivity = max(lastActivity, now)
        defer { isPaused = false }
        return (request.keepsConnection && !isInputAtEnd, isPaused)
    }

    /// Handles ABORT_REQUEST (section 5.4): one END_REQUEST, and nothing after it.
    private mutating func abort(_ index: Int, _ outcome: inout FastCGIOutcome) {
        outcome.replies.appendEndRequest(id: requests[index].id, .requestComplete)
        if !requests[index].hasWholeBody { owesInput = true }
        if !requests[index].keepsConnection { outcome.closes = true }
        giveUp(index, &outcome)
    }

    /// Drops a request. A running handler is told through `isCancelled`; a request whose body is being collected still
    /// fires its signals.
    private mutating func giveUp(_ index: Int, _ outcome: inout FastCGIOutcome) {
        switch requests[index].phase {
        case .params: outcome.dropped += 1
        case .collecting(let request, _):
            request.cancel()
            apply(.failed(.aborted), to: index, &outcome)
        case .running(let request, _): request.cancel()
        }
        outcome.readable.append(requests[index].serial)
        outcome.cancelled.append(requests[index].serial)
        requests.remove(at: index)
        isPaused = false
    }

    /// Handles the end of the input.
    ///
    /// - Parameter isGone: whether the web server no longer reads either. Otherwise running requests that have arrived
    ///   in full are still answered.
    mutating func endInput(isGone: Bool, _ outcome: inout FastCGIOutcome) {
        isInputAtEnd = true
        for index in requests.indices.reversed() {
            if !isGone, requests[index].hasWholeBody, case .running = requests[index].phase { continue }
            giveUp(index, &outcome)
        }
    }

    /// Enforces the time limits on input.
    mutating func checkTimes(_ context: FastCGIContext, _ outcome: inout FastCGIOutcome) {
        let limits = context.limits
        if requests.isEmpty {
            let silence = context.now - lastActivity
            let headerLimit = limits.headerTimeout.boundedMilliseconds
            if !isAtBoundary, silence > headerLimit {
                outcome.complain("header time", "a web server did not finish a record within \(headerLimit) ms")
                outcome.isViolation = true
            } else if silence > (isUsed ? limits.idleTimeout.boundedMilliseconds : headerLimit) {
                outcome.closes = true
            }
        }
        for index in requests.indices.reversed() {
            let verdict = requests[index].checkTimes(limits, now: context.now)
            switch verdict {
            case .refused: outcome.closes = true
            case .failed:
                outcome.complain(
                    "body time",
                    "a request timed out: its body stalled for \(limits.bodyTimeout.boundedMilliseconds) ms")
            case .goesOn, .starts, .isReadable: break
            }
            apply(verdict, to: index, &outcome)
        }
    }
}
