/// The state of one connection from a web server, and what records do to it. It does no I/O.
struct FastCGIConnectionState: Sendable {
    /// A request that its handler can take on.
    struct Ready: Sendable {
        let id: UInt16
        let serial: UInt64
        let request: CGIRequest
        let plan: RequestPlan
    }

    /// What became of a piece of input, to be acted on without the lock.
    struct Outcome: Sendable {
        var ready: [Ready] = []
        /// Records to send.
        var replies = FastCGIRecordEncoder()
        /// Requests that left without a handler having run.
        var dropped = 0
        var cancellations: [@Sendable () -> Void] = []
        var readers: [CheckedContinuation<Void, Never>] = []
        /// Lines for the log, by kind.
        var complaints: [(kind: String, text: String)] = []
        /// The web server does not speak FastCGI: close.
        var isViolation = false
        /// Close when the replies are out.
        var closes = false

        mutating func complain(_ kind: String, _ text: String) { complaints.append((kind, text)) }
    }

    var parser = FastCGIRecordParser()
    var requests: [FastCGIRequestState] = []
    var output = FastCGIOutput()
    /// Somebody is reading from the socket. Whoever else learns that there is more sets `readsAgain`.
    var isReading = false
    var readsAgain = false
    /// A handler reads its body slower than it arrives: nothing is read until it has caught up.
    var isPaused = false
    /// The web server has sent its last byte.
    var isInputAtEnd = false
    var isClosed = false
    /// Close once everything is sent.
    var closesAfterOutput = false
    /// All is sent and said; what still arrives is read and forgotten until the web server closes.
    var lingerDeadline: Int?
    /// A request was answered before all of it had arrived.
    var owesInput = false
    var lastActivity = 0

    private var current = FastCGIRecord.Header(
        version: 0, type: 0, requestID: 0, contentLength: 0, paddingLength: 0)
    /// The content of a BEGIN_REQUEST or GET_VALUES record, as far as it has arrived.
    private var small: [UInt8] = []
    private var currentIndex: Int?

    /// The record that is arriving belongs to a request that may have been removed.
    mutating func currentIndexIsGone() {
        currentIndex = current.requestID == 0 ? nil : index(ofID: current.requestID)
    }

    /// Bytes of a streamed body that may wait; from then on the web server has to.
    static let maximumBufferedBody = 64 << 10

    func index(ofID id: UInt16) -> Int? { requests.firstIndex { $0.id == id } }
    func index(ofSerial serial: UInt64) -> Int? { requests.firstIndex { $0.serial == serial } }

    /// Takes in bytes from the web server.
    mutating func ingest(_ bytes: UnsafeRawBufferPointer, _ context: FastCGIContext, _ outcome: inout Outcome) {
        lastActivity = context.now
        if lingerDeadline != nil { return }
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
                if let currentIndex { requests[currentIndex].lastInput = context.now }
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
        case .params:
            guard let index = currentIndex, case .params = requests[index].phase else { return }
            if requests[index].params.isEmpty { requests[index].params.reserveCapacity(current.contentLength) }
            if piece.count > context.limits.maximumParameterBytes - requests[index].params.count {
                refuse(index, status: 431, "its variables are longer than the limit", &outcome)
            } else {
                requests[index].params.append(contentsOf: piece)
            }
        case .stdin: if let index = currentIndex { takeBody(piece, of: index, &outcome) }
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
        guard let content, current.contentLength >= 8, currentIndex == nil else {
            outcome.complain("begin", "a web server sent a broken or repeated BEGIN_REQUEST record")
            outcome.isViolation = true
            return
        }
        let keepsConnection = content.flags & FastCGIRecord.keepConnectionFlag != 0
        if content.role != FastCGIRecord.responderRole {
            outcome.complain("role", "a web server asked for role \(content.role); only responders (1) are served")
            outcome.replies.appendEndRequest(id: id, .unknownRole)
            owesInput = true
            if !keepsConnection { outcome.closes = true }
        } else if !context.claimRequest() {
            outcome.complain(
                "requests", "there are \(context.limits.maximumRequests) requests in work: further ones get a 503")
            outcome.replies.appendStream(.stdout, id: id, Self.page(503))
            outcome.replies.appendStreamEnd(.stdout, id: id)
            outcome.replies.appendEndRequest(id: id, .overloaded)
            owesInput = true
            if !keepsConnection { outcome.closes = true }
        } else {
            requests.append(
                FastCGIRequestState(
                    id: id, serial: context.nextSerial(), keepsConnection: keepsConnection, now: context.now))
        }
    }

    /// A request that never gets to a handler is answered here.
    mutating func refuse(_ index: Int, status: Int, _ reason: String, _ outcome: inout Outcome) {
        let request = requests.remove(at: index)
        currentIndexIsGone()
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
        let response = CGIResponse(text: text, status: status)
        ResponseHead.append(response, method: "GET", to: &bytes)
        return bytes + Array(text.utf8)
    }
}
