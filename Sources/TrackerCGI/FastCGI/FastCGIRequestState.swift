/// The state of one request, from BEGIN_REQUEST to END_REQUEST.
struct FastCGIRequestState: Sendable {
    enum Phase: Sendable {
        /// The variables are arriving.
        case params
        /// The body is being collected for the handler.
        case collecting(CGIRequest, RequestPlan)
        /// The handler is running, and may still be reading the body.
        case running(CGIRequest, isStreaming: Bool)
    }

    /// What input means for the request as a whole.
    enum Verdict {
        /// Nothing to do yet.
        case goesOn
        /// A handler can start.
        case starts(isStreaming: Bool)
        /// More of a streamed body can be read.
        case isReadable
        /// The request is rejected before it reaches a handler.
        case refused(status: Int, because: String)
        /// The handlers get an error instead of a body.
        case failed(CGIRequestError)
    }

    let id: UInt16
    /// Distinguishes requests that use the same id one after the other.
    let serial: UInt64
    let keepsConnection: Bool
    private(set) var phase = Phase.params
    private var params: [UInt8] = []
    private var body = ByteQueue()
    private var maximumBodyBytes = 0
    private(set) var announcedBytes: Int?
    private(set) var hasWholeBody = false
    /// Why the rest of the body cannot be read.
    private(set) var bodyFailure: CGIRequestError?
    /// The memory of the variables and of a collected body.
    private let reservation: BodyReservation
    /// How long the web server has kept the request waiting.
    private var patience: ProgressTimeout
    private let began: Int

    /// The most bytes of a streamed body to buffer; beyond that, reading stops.
    static let maximumBufferedBody = 64 << 10
    private static let outOfMemory = "all requests together take too much memory"

    init(id: UInt16, serial: UInt64, keepsConnection: Bool, budget: BodyBudget, now: Int) {
        self.id = id
        self.serial = serial
        self.keepsConnection = keepsConnection
        reservation = BodyReservation(budget)
        patience = ProgressTimeout(now: now)
        began = now
    }

    /// Whether reading must stop until the handler has caught up.
    var isFull: Bool { body.count >= Self.maximumBufferedBody }
    /// Whether the handler has caught up.
    var hasRoom: Bool { body.count < Self.maximumBufferedBody / 2 }

    // MARK: Variables

    mutating func takeParams(_ piece: UnsafeRawBufferPointer, recordBytes: Int, maximum: Int) -> Verdict {
        guard case .params = phase else { return .goesOn }
        if params.isEmpty { params.reserveCapacity(recordBytes) }
        if piece.count > maximum - params.count {
            return .refused(status: 431, because: "its variables are longer than the limit")
        }
        guard reservation.take(piece.count) else { return .refused(status: 503, because: Self.outOfMemory) }
        params.append(contentsOf: piece)
        return .goesOn
    }

    mutating func endParams(_ context: FastCGIContext) -> Verdict {
        guard case .params = phase else { return .goesOn }
        guard let variables = FastCGINameValues.decode(params) else {
            return .refused(status: 400, because: "a length in its variables points past their end")
        }
        params = []
        patience = ProgressTimeout(now: context.now)
        let request = CGIRequest(
            variables: variables, content: .collected([]), mountPath: context.app.configuration.mountPath)
        request.keep(reservation)
        let plan = RequestPlan(request, context.app)
        maximumBodyBytes = plan.maximumBodyBytes
        phase = .collecting(request, plan)
        switch request.announcedLength {
        case .absent: break
        case .invalid: return .failed(.invalidContentLength)
        case .bytes(let count):
            announcedBytes = count
            if count > maximumBodyBytes { return .failed(.bodyTooLarge(maximumBytes: maximumBodyBytes)) }
        }
        if case .streamed = plan.bodyPolicy {
            patience = ProgressTimeout()
            return .starts(isStreaming: true)
        }
        if hasWholeBody { return endBody() }
        if let announcedBytes, announcedBytes > 4096 { body.reserve(min(announcedBytes, 1 << 20)) }
        return .goesOn
    }

    // MARK: Bodies

    mutating func takeBody(_ piece: UnsafeRawBufferPointer, now: Int) -> Verdict {
        if hasWholeBody { return .goesOn }
        patience.moved(piece.count, now: now)
        switch phase {
        case .params:
            // No server sends a body first, but the records of two streams may come in any order.
            if body.count + piece.count > Self.maximumBufferedBody {
                return .refused(status: 400, because: "its body arrived before its variables")
            }
            guard reservation.take(piece.count) else { return .refused(status: 503, because: Self.outOfMemory) }
            body.append(piece)
            return .goesOn
        case .collecting: return collect(piece)
        case .running(_, let isStreaming):
            guard isStreaming else { return .goesOn }
            body.append(piece)
            return .isReadable
        }
    }

    private mutating func collect(_ piece: UnsafeRawBufferPointer) -> Verdict {
        var piece = piece
        let (total, overflows) = body.count.addingReportingOverflow(piece.count)
        if let announcedBytes {
            // Bytes beyond the announced length are not part of the body (RFC 3875, section 4.2).
            piece = UnsafeRawBufferPointer(rebasing: piece.prefix(max(0, announcedBytes - body.count)))
        } else if overflows || total > maximumBodyBytes {
            return .failed(.bodyTooLarge(maximumBytes: maximumBodyBytes))
        }
        guard reservation.take(piece.count) else { return .failed(.overloaded) }
        body.append(piece)
        return .goesOn
    }

    mutating func endBody() -> Verdict {
        hasWholeBody = true
        switch phase {
        case .params: return .goesOn
        case .collecting(let request, _):
            if let announcedBytes, body.count < announcedBytes { return .failed(.bodyTooShort) }
            request.setBody(.collected(body.takeAll()))
            return .starts(isStreaming: false)
        case .running: return .isReadable
        }
    }

    /// Returns the next piece of the body, or its error; nil if the handler has to wait.
    mutating func read(upTo maximum: Int, now: Int) -> Result<[UInt8], CGIRequestError>? {
        if !body.isEmpty {
            patience.pause(now: now)
            return .success(body.take(upTo: maximum))
        }
        if let bodyFailure { return .failure(bodyFailure) }
        return hasWholeBody ? .success([]) : nil
    }

    /// Starts the clock: the handler is waiting for the web server.
    mutating func wait(now: Int) { patience.begin(now: now) }

    // MARK: Progress

    /// Gives the handlers an error instead of a body.
    mutating func fail(_ error: CGIRequestError) {
        if case .collecting(let request, _) = phase { request.setBody(.failed(error)) }
        body = ByteQueue()
    }

    /// Passes the request to its handlers.
    ///
    /// - Returns: nil if they already have it, or its variables are incomplete.
    mutating func start(isStreaming: Bool) -> FastCGIReadyRequest? {
        guard case .collecting(let request, let plan) = phase else { return nil }
        phase = .running(request, isStreaming: isStreaming)
        return FastCGIReadyRequest(
            id: id, serial: serial, request: request, plan: plan, isStreaming: isStreaming,
            announcedBytes: announcedBytes)
    }

    /// Checks the time limits.
    mutating func checkTimes(_ limits: CGIAppConfiguration.FastCGI, now: Int) -> Verdict {
        let headerLimit = limits.headerTimeout.boundedMilliseconds
        let bodyLimit = limits.bodyTimeout.boundedMilliseconds
        switch phase {
        case .params:
            guard now - began > headerLimit else { return .goesOn }
            return .refused(status: 408, because: "its variables did not arrive within \(headerLimit) ms")
        case .collecting: return patience.hasExpired(bodyLimit, now: now) ? .failed(.timedOut) : .goesOn
        case .running(_, let isStreaming):
            guard isStreaming, !hasWholeBody, patience.hasExpired(bodyLimit, now: now) else { return .goesOn }
            bodyFailure = .timedOut
            return .isReadable
        }
    }
}
