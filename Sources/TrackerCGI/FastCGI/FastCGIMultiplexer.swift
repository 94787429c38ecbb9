import TrackerCore

/// The requests of one connection from a web server, and what records do to them: bytes in, outcomes out. It does no I/O
/// and knows no connection.
struct FastCGIMultiplexer: Sendable {
    /// A request that its handler can take on.
    struct Ready: Sendable {
        let id: UInt16
        let serial: UInt64
        let request: CGIRequest
        let plan: RequestPlan
        /// The body is still arriving, and is to be read as it does.
        let isStreaming: Bool
        let announcedBytes: Int?
    }

    /// What became of a piece of input, to be acted on without a lock.
    struct Outcome: Sendable {
        var ready: [Ready] = []
        /// Records to send.
        var replies = FastCGIRecordEncoder()
        /// Requests that left without a handler having run.
        var dropped = 0
        /// Requests that the web server gave up while their handlers ran.
        var cancelled: [UInt64] = []
        /// Requests whose body can be read on.
        var readable: [UInt64] = []
        /// Lines for the log, by kind.
        var complaints: [(kind: String, text: String)] = []
        /// The web server does not speak FastCGI: close.
        var isViolation = false
        /// Close when the replies are out.
        var closes = false

        mutating func complain(_ kind: String, _ text: String) { complaints.append((kind, text)) }
    }

    private(set) var parser = FastCGIRecordParser()
    private(set) var requests: [FastCGIRequestState] = []
    /// A handler reads its body slower than it arrives: nothing is read until it has caught up.
    private(set) var isPaused = false
    /// The web server has sent its last byte.
    private(set) var isInputAtEnd = false
    /// A request was answered before all of it had arrived.
    private(set) var owesInput = false
    /// A request has begun.
    private(set) var isUsed = false
    private(set) var lastActivity: Int

    private var current = FastCGIRecord.Header(
        version: 0, type: 0, requestID: 0, contentLength: 0, paddingLength: 0)
    /// The content of a BEGIN_REQUEST or GET_VALUES record, as far as it has arrived.
    private var small: [UInt8] = []
    private var currentIndex: Int?

    /// Bytes of a streamed body that may wait; from then on the web server has to.
    static let maximumBufferedBody = 64 << 10

    init(now: Int) {
        lastActivity = now
    }

    /// Between two requests, as far as anybody knows.
    var isIdle: Bool { requests.isEmpty && parser.isAtBoundary }
    /// Requests have begun, or a record has, and no handler is at work.
    var isUnfinished: Bool {
        requests.allSatisfy { request in
            if case .running = request.phase { false } else { true }
        }
    }

    func index(ofID id: UInt16) -> Int? { requests.firstIndex { $0.id == id } }
    func index(ofSerial serial: UInt64) -> Int? { requests.firstIndex { $0.serial == serial } }

    // MARK: Records

    /// Takes in bytes from the web server.
    mutating func ingest(_ bytes: UnsafeRawBufferPointer, _ context: FastCGIContext, _ outcome: inout Outcome) {
        lastActivity = context.now
        var cursor = ByteCursor(bytes)
        while !outcome.isViolation, let event = parser.next(&cursor) {
            switch event {
            case .begin(let header):
                guard header.version == FastCGIRecord.version else {
                    outcome.complain("version", "a web server sent a record of FastCGI version \(header.version)")
                    outcome.isViolation = true
                    return
                }
                current = header
                currentIndex = header.requestID == 0 ? nil : index(ofID: header.requestID)
            case .content(let piece): takeContent(piece, context, &outcome)
            case .end:
                endRecord(context, &outcome)
                small = []
            }
        }
    }

    private mutating func takeContent(
        _ piece: UnsafeRawBufferPointer, _ context: FastCGIContext, _ outcome: inout Outcome
    ) {
        switch FastCGIRecord.Kind(rawValue: current.type) {
        case .beginRequest: small.append(contentsOf: piece.prefix(8 - min(8, small.count)))
        case .getValues: if current.requestID == 0 { small.append(contentsOf: piece) }
        case .params: if let index = currentIndex { takeParams(piece, of: index, context, &outcome) }
        case .stdin: if let index = currentIndex { takeBody(piece, of: index, context, &outcome) }
        case .abortRequest, .endRequest, .stdout, .stderr, .data, .getValuesResult, .unknownType, nil: break
        }
    }

    private mutating func endRecord(_ context: FastCGIContext, _ outcome: inout Outcome) {
        let kind = FastCGIRecord.Kind(rawValue: current.type)
        if current.requestID == 0 {
            switch kind {
            case .getValues: outcome.replies.appendGetValuesResult(context.values(askedFor: small))
            case .getValuesResult, .unknownType, nil: outcome.replies.appendUnknownType(current.type)
            case .beginRequest, .abortRequest, .endRequest, .params, .stdin, .stdout, .stderr, .data: break
            }
            return
        }
        switch kind {
        case .beginRequest: begin(context, &outcome)
        case .params: if current.contentLength == 0, let index = currentIndex { endParams(index, context, &outcome) }
        case .stdin: if current.contentLength == 0, let index = currentIndex { endBody(index, &outcome) }
        case .abortRequest: if let index = currentIndex { abort(index, &outcome) }
        case .endRequest, .stdout, .stderr, .data, .getValues, .getValuesResult, .unknownType, nil: break
        }
    }

    private mutating func begin(_ context: FastCGIContext, _ outcome: inout Outcome) {
        let id = current.requestID
        let content = small.withUnsafeBytes { bytes in
            var cursor = ByteCursor(bytes)
            return cursor.uint16().flatMap { role in cursor.byte().map { (role: role, flags: $0) } }
        }
        // An id in use would have two live requests share their streams.
        guard let content, current.contentLength >= 8, currentIndex == nil else {
            outcome.complain("begin", "a web server sent a broken or repeated BEGIN_REQUEST record")
            outcome.isViolation = true
            return
        }
        isUsed = true
        let keepsConnection = content.flags & FastCGIRecord.keepConnectionFlag != 0
        if content.role != FastCGIRecord.responderRole {
            outcome.complain("role", "a web server asked for role \(content.role); only responders (1) are served")
            decline(id, keepsConnection, .unknownRole, &outcome)
        } else if let serial = context.admission.claim() {
            requests.append(
                FastCGIRequestState(
                    id: id, serial: serial, keepsConnection: keepsConnection, budget: context.admission.bodies,
                    now: context.now))
        } else {
            outcome.complain(
                "requests", "there are \(context.admission.maximumRequests) requests in work: further ones get a 503")
            outcome.replies.appendStream(.stdout, id: id, Self.page(503))
            outcome.replies.appendStreamEnd(.stdout, id: id)
            decline(id, keepsConnection, .overloaded, &outcome)
        }
    }

    private mutating func decline(
        _ id: UInt16, _ keepsConnection: Bool, _ status: FastCGIRecord.ProtocolStatus, _ outcome: inout Outcome
    ) {
        outcome.replies.appendEndRequest(id: id, status)
        owesInput = true
        if !keepsConnection { outcome.closes = true }
    }

    // MARK: Variables

    private mutating func takeParams(
        _ piece: UnsafeRawBufferPointer, of index: Int, _ context: FastCGIContext, _ outcome: inout Outcome
    ) {
        guard case .params = requests[index].phase else { return }
        if requests[index].params.isEmpty { requests[index].params.reserveCapacity(current.contentLength) }
        if piece.count > context.limits.maximumParameterBytes - requests[index].params.count {
            refuse(index, status: 431, "its variables are longer than the limit", &outcome)
        } else if !requests[index].reservation.take(piece.count) {
            refuse(index, status: 503, "all requests together take too much memory", &outcome)
        } else {
            requests[index].params.append(contentsOf: piece)
        }
    }

    private mutating func endParams(_ index: Int, _ context: FastCGIContext, _ outcome: inout Outcome) {
        guard case .params = requests[index].phase else { return }
        guard let variables = FastCGINameValues.decode(requests[index].params) else {
            refuse(index, status: 400, "a length among its variables points past their end", &outcome)
            return
        }
        requests[index].params = []
        requests[index].patience = FastCGIPatience(now: context.now)
        let request = CGIRequest(
            variables: variables, content: .collected([]), mountPath: context.app.configuration.mountPath)
        request.keep(requests[index].reservation)
        let plan = RequestPlan(request, context.app)
        let maximum = plan.maximumBodyBytes
        requests[index].maximumBodyBytes = maximum
        requests[index].phase = .collecting(request, plan)
        switch request.announcedLength {
        case .absent: break
        case .invalid:
            fail(index, .invalidContentLength, &outcome)
            return
        case .bytes(let count):
            requests[index].announcedBytes = count
            if count > maximum {
                fail(index, .bodyTooLarge(maximumBytes: maximum), &outcome)
                return
            }
        }
        if case .streamed = plan.bodyPolicy {
            requests[index].patience = FastCGIPatience()
            start(index, isStreaming: true, &outcome)
        } else if requests[index].hasWholeBody {
            endBody(index, &outcome)
        } else if let count = requests[index].announcedBytes, count > 4096 {
            requests[index].body.reserve(count)
        }
    }

    /// A request that never gets to a handler is answered here.
    private mutating func refuse(_ index: Int, status: Int, _ reason: String, _ outcome: inout Outcome) {
        let request = remove(index)
        outcome.dropped += 1
        outcome.complain("\(status)", "a request was answered with \(status): \(reason)")
        outcome.replies.appendStream(.stdout, id: request.id, Self.page(status))
        outcome.replies.appendStreamEnd(.stdout, id: request.id)
        outcome.replies.appendEndRequest(id: request.id, .requestComplete)
        owesInput = true
        if !request.keepsConnection { outcome.closes = true }
    }

    private static func page(_ status: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        let text = "\(status) \(ResponseHead.standardReason(status))\n"
        var response = CGIResponse(text: text, status: status)
        if status == 503 { response.setHeader("Retry-After", "1") }
        ResponseHead.append(response, method: "GET", to: &bytes)
        return bytes + Array(text.utf8)
    }

    // MARK: Bodies

    private mutating func takeBody(
        _ piece: UnsafeRawBufferPointer, of index: Int, _ context: FastCGIContext, _ outcome: inout Outcome
    ) {
        if requests[index].hasWholeBody { return }
        requests[index].patience.moved(piece.count, now: context.now)
        switch requests[index].phase {
        case .params:
            // No server sends a body first, but the records of two streams may come in any order.
            if requests[index].body.count + piece.count > Self.maximumBufferedBody {
                refuse(index, status: 400, "its body came before its variables", &outcome)
            } else if !requests[index].reservation.take(piece.count) {
                refuse(index, status: 503, "all requests together take too much memory", &outcome)
            } else {
                requests[index].body.append(piece)
            }
        case .collecting: collect(piece, index, &outcome)
        case .running(_, let isStreaming):
            guard isStreaming else { return }
            requests[index].body.append(piece)
            if requests[index].body.count >= Self.maximumBufferedBody { isPaused = true }
            outcome.readable.append(requests[index].serial)
        }
    }

    private mutating func collect(_ piece: UnsafeRawBufferPointer, _ index: Int, _ outcome: inout Outcome) {
        var piece = piece
        let (total, overflows) = requests[index].body.count.addingReportingOverflow(piece.count)
        if let announced = requests[index].announcedBytes {
            // What goes beyond the announced length is not part of the body (RFC 3875, section 4.2).
            piece = UnsafeRawBufferPointer(rebasing: piece.prefix(max(0, announced - requests[index].body.count)))
        } else if overflows || total > requests[index].maximumBodyBytes {
            fail(index, .bodyTooLarge(maximumBytes: requests[index].maximumBodyBytes), &outcome)
            return
        }
        guard requests[index].reservation.take(piece.count) else {
            outcome.complain("memory", "bodies of all requests together take too much memory: one got a 503")
            fail(index, .overloaded, &outcome)
            return
        }
        requests[index].body.append(piece)
    }

    private mutating func endBody(_ index: Int, _ outcome: inout Outcome) {
        requests[index].hasWholeBody = true
        switch requests[index].phase {
        case .params: break
        case .collecting(let request, _):
            if let announced = requests[index].announcedBytes, requests[index].body.count < announced {
                fail(index, .bodyTooShort, &outcome)
                return
            }
            request.setBody(.collected(requests[index].body.takeAll()))
            start(index, isStreaming: false, &outcome)
        case .running: outcome.readable.append(requests[index].serial)
        }
    }

    /// Hands a request to its handlers with an error instead of a body.
    private mutating func fail(_ index: Int, _ error: CGIRequestError, _ outcome: inout Outcome) {
        if case .collecting(let request, _) = requests[index].phase { request.setBody(.failed(error)) }
        requests[index].body = ByteQueue()
        start(index, isStreaming: false, &outcome)
    }

    private mutating func start(_ index: Int, isStreaming: Bool, _ outcome: inout Outcome) {
        guard case .collecting(let request, let plan) = requests[index].phase else { return }
        requests[index].phase = .running(request, isStreaming: isStreaming)
        outcome.ready.append(
            Ready(
                id: requests[index].id, serial: requests[index].serial, request: request, plan: plan,
                isStreaming: isStreaming, announcedBytes: requests[index].announcedBytes))
    }

    /// What a handler gets when it asks for more of its body.
    enum Reading {
        /// - `resumes`: the socket may be read on.
        case bytes([UInt8], resumes: Bool)
        case failed(CGIRequestError)
        case wait
    }

    mutating func read(_ serial: UInt64, upTo maximum: Int, now: Int) -> Reading {
        guard let index = index(ofSerial: serial) else { return .failed(.aborted) }
        if !requests[index].body.isEmpty {
            requests[index].patience.pause(now: now)
            let piece = requests[index].body.take(upTo: maximum)
            let resumes = isPaused && requests[index].body.count < Self.maximumBufferedBody / 2
            if resumes { isPaused = false }
            return .bytes(piece, resumes: resumes)
        }
        if let failure = requests[index].bodyFailure { return .failed(failure) }
        if requests[index].hasWholeBody { return .bytes([], resumes: false) }
        if isInputAtEnd { return .failed(.aborted) }
        requests[index].patience.begin(now: now)
        return .wait
    }

    // MARK: Ends

    private mutating func remove(_ index: Int) -> FastCGIRequestState {
        let request = requests.remove(at: index)
        // The record that is arriving may belong to it, and indices have moved.
        currentIndex = current.requestID == 0 ? nil : self.index(ofID: current.requestID)
        return request
    }

    /// A request has its answer.
    ///
    /// - Returns: whether the connection stays open, and whether the socket may be read on.
    mutating func end(_ serial: UInt64) -> (keepsConnection: Bool, resumes: Bool)? {
        guard let index = index(ofSerial: serial) else { return nil }
        let request = remove(index)
        if !request.hasWholeBody { owesInput = true }
        defer { isPaused = false }
        return (request.keepsConnection && !isInputAtEnd, isPaused)
    }

    /// ABORT_REQUEST (section 5.4): one END_REQUEST, and nothing after it.
    private mutating func abort(_ index: Int, _ outcome: inout Outcome) {
        outcome.replies.appendEndRequest(id: requests[index].id, .requestComplete)
        if !requests[index].hasWholeBody { owesInput = true }
        if !requests[index].keepsConnection { outcome.closes = true }
        giveUp(index, &outcome)
    }

    /// Forgets a request. Its handler, if it has begun, learns of it; its signals fire in any case.
    private mutating func giveUp(_ index: Int, _ outcome: inout Outcome) {
        switch requests[index].phase {
        case .params: outcome.dropped += 1
        case .collecting(let request, _):
            request.cancel()
            fail(index, .aborted, &outcome)
        case .running(let request, _): request.cancel()
        }
        outcome.readable.append(requests[index].serial)
        outcome.cancelled.append(requests[index].serial)
        _ = remove(index)
        isPaused = false
    }

    /// The web server sends no more, or is gone.
    ///
    /// - Parameter isGone: it does not read any more either. Otherwise requests that have arrived are still answered.
    mutating func endInput(isGone: Bool, _ outcome: inout Outcome) {
        isInputAtEnd = true
        for index in requests.indices.reversed() {
            if !isGone, requests[index].hasWholeBody, case .running = requests[index].phase { continue }
            giveUp(index, &outcome)
        }
    }

    /// Time limits of what has to arrive.
    mutating func checkTimes(_ context: FastCGIContext, _ outcome: inout Outcome) {
        let headerLimit = context.limits.headerTimeout.boundedMilliseconds
        let bodyLimit = context.limits.bodyTimeout.boundedMilliseconds
        if requests.isEmpty {
            let silence = context.now - lastActivity
            if !parser.isAtBoundary, silence > headerLimit {
                outcome.complain("header time", "a web server did not finish a record within \(headerLimit) ms")
                outcome.isViolation = true
            } else if silence > (isUsed ? context.limits.idleTimeout.boundedMilliseconds : headerLimit) {
                outcome.closes = true
            }
        }
        for index in requests.indices.reversed() {
            switch requests[index].phase {
            case .params:
                if context.now - requests[index].began > headerLimit {
                    refuse(index, status: 408, "its variables did not arrive within \(headerLimit) ms", &outcome)
                    outcome.closes = true
                }
            case .collecting:
                if requests[index].patience.isOver(bodyLimit, now: context.now) {
                    outcome.complain("body time", "a request was given up: its body stalled for \(bodyLimit) ms")
                    fail(index, .timedOut, &outcome)
                }
            case .running(_, let isStreaming):
                if isStreaming, !requests[index].hasWholeBody,
                    requests[index].patience.isOver(bodyLimit, now: context.now)
                {
                    requests[index].bodyFailure = .timedOut
                    outcome.readable.append(requests[index].serial)
                }
            }
        }
    }
}
