/// What a connection knows of one request, from BEGIN_REQUEST to END_REQUEST, and what its records do to it.
struct FastCGIRequestState: Sendable {
    enum Phase: Sendable {
        /// Its variables are arriving.
        case params
        /// Its body is being collected for the handler.
        case collecting(CGIRequest, RequestPlan)
        /// It is with its handler, which may still be reading the body.
        case running(CGIRequest, isStreaming: Bool)
    }

    /// What input means for the request as a whole.
    enum Verdict {
        /// Nothing yet.
        case goesOn
        /// A handler can begin.
        case starts(isStreaming: Bool)
        /// A streamed body can be read on.
        case isReadable
        /// It never gets to a handler.
        case refused(status: Int, because: String)
        /// Its handlers get an error instead of a body.
        case failed(CGIRequestError)
    }

    let id: UInt16
    /// Tells requests apart that used the same id one after the other.
    let serial: UInt64
    let keepsConnection: Bool
    private(set) var phase = Phase.params
    private var params: [UInt8] = []
    private var body = ByteQueue()
    private var maximumBodyBytes = 0
    private(set) var announcedBytes: Int?
    private(set) var hasWholeBody = false
    /// Why the body cannot be read to its end.
    private(set) var bodyFailure: CGIRequestError?
    /// Memory of the variables and of a collected body.
    private let reservation: BodyReservation
    /// How long the web server has been waited for.
    private var patience: FastCGIPatience
    private let began: Int

    /// Bytes of a streamed body that may wait; from then on the web server has to.
    static let maximumBufferedBody = 64 << 10
    private static let outOfMemory = "all requests together take too much memory"

    init(id: UInt16, serial: UInt64, keepsConnection: Bool, budget: BodyBudget, now: Int) {
        self.id = id
        self.serial = serial
        self.keepsConnection = keepsConnection
        reservation = BodyReservation(budget)
        patience = FastCGIPatience(now: now)
        began = now
    }

    /// Nothing more may be read until the handler has caught up.
    var isFull: Bool { body.count >= Self.maximumBufferedBody }
    /// The handler has caught up.
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
            return .refused(status: 400, because: "a length among its variables points past their end")
        }
        params = []
        patience = FastCGIPatience(now: context.now)
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
            patience = FastCGIPatience()
            return .starts(isStreaming: true)
        }
        if hasWholeBody { return endBody() }
        if let announcedBytes, announcedBytes > 4096 { body.reserve(announcedBytes) }
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
                return .refused(status: 400, because: "its body came before its variables")
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
            // What goes beyond the announced length is not part of the body (RFC 3875, section 4.2).
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

    /// What a handler gets when it asks for more of its body; nil if it has to wait for it.
    mutating func read(upTo maximum: Int, now: Int) -> Result<[UInt8], CGIRequestError>? {
        if !body.isEmpty {
            patience.pause(now: now)
            return .success(body.take(upTo: maximum))
        }
        if let bodyFailure { return .failure(bodyFailure) }
        return hasWholeBody ? .success([]) : nil
    }

    /// Its handler waits for the web server.
    mutating func wait(now: Int) { patience.begin(now: now) }

    // MARK: Its course

    /// Gives an error to the handlers instead of a body.
    mutating func fail(_ error: CGIRequestError) {
        if case .collecting(let request, _) = phase { request.setBody(.failed(error)) }
        body = ByteQueue()
    }

    /// Goes to its handlers.
    ///
    /// - Returns: nil if it is there already, or has not all of its variables.
    mutating func start(isStreaming: Bool) -> FastCGIReadyRequest? {
        guard case .collecting(let request, let plan) = phase else { return nil }
        phase = .running(request, isStreaming: isStreaming)
        return FastCGIReadyRequest(
            id: id, serial: serial, request: request, plan: plan, isStreaming: isStreaming,
            announcedBytes: announcedBytes)
    }

    /// What its time limits say now.
    mutating func checkTimes(_ limits: CGIAppConfiguration.FastCGI, now: Int) -> Verdict {
        let headerLimit = limits.headerTimeout.boundedMilliseconds
        let bodyLimit = limits.bodyTimeout.boundedMilliseconds
        switch phase {
        case .params:
            guard now - began > headerLimit else { return .goesOn }
            return .refused(status: 408, because: "its variables did not arrive within \(headerLimit) ms")
        case .collecting: return patience.isOver(bodyLimit, now: now) ? .failed(.timedOut) : .goesOn
        case .running(_, let isStreaming):
            guard isStreaming, !hasWholeBody, patience.isOver(bodyLimit, now: now) else { return .goesOn }
            bodyFailure = .timedOut
            return .isReadable
        }
    }
}
