import Synchronization

/// What the records of a connection are judged by.
struct FastCGIContext {
    let app: CGIApp.Snapshot
    let admission: FastCGIAdmission
    /// Milliseconds of the monotonic clock.
    let now: Int

    var limits: CGIAppConfiguration.FastCGI { app.configuration.fastCGI }

    /// The answer to GET_VALUES (section 4.1): the asked-for names that we know, each once.
    func values(askedFor names: [UInt8]) -> [UInt8] {
        var pairs: [UInt8] = []
        var answered: [String] = []
        for variable in FastCGINameValues.decode(names) ?? CGIVariables() where !answered.contains(variable.name) {
            let value: String
            switch variable.name {
            case "FCGI_MAX_CONNS": value = String(admission.maximumConnections)
            case "FCGI_MAX_REQS": value = String(admission.maximumRequests)
            case "FCGI_MPXS_CONNS": value = "1"
            default: continue
            }
            answered.append(variable.name)
            FastCGINameValues.append(name: variable.name, value: value, to: &pairs)
        }
        return pairs
    }
}

/// Counts requests in and out, over all connections of a server.
final class FastCGIAdmission: Sendable {
    let maximumConnections: Int
    let maximumRequests: Int
    let bodies: BodyBudget
    private let serials = Atomic<UInt64>(0)
    private let inWork = Atomic<Int>(0)

    init(maximumConnections: Int, maximumRequests: Int, maximumBodyBytes: Int) {
        self.maximumConnections = maximumConnections
        self.maximumRequests = max(1, maximumRequests)
        bodies = BodyBudget(limit: maximumBodyBytes)
    }

    /// Requests between their first record and the end of their answer.
    var requestsInWork: Int { inWork.load(ordering: .acquiring) }
    /// Requests since the start.
    var requests: UInt64 { serials.load(ordering: .relaxed) }

    /// Counts a request in.
    ///
    /// - Returns: its number; nil if there are too many.
    func claim() -> UInt64? {
        guard inWork.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue <= maximumRequests else {
            release()
            return nil
        }
        return serials.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// - Returns: how many are left.
    @discardableResult
    func release() -> Int {
        inWork.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
    }
}

/// A request that its handler can take on.
struct FastCGIReadyRequest: Sendable {
    let id: UInt16
    let serial: UInt64
    let request: CGIRequest
    let plan: RequestPlan
    /// The body is still arriving, and is to be read as it does.
    let isStreaming: Bool
    let announcedBytes: Int?
}

/// What became of a piece of input, to be acted on without a lock.
struct FastCGIOutcome: Sendable {
    var ready: [FastCGIReadyRequest] = []
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

    /// Answers a request that no handler sees with a page of its own.
    mutating func reply(_ status: Int, to id: UInt16) {
        var bytes: [UInt8] = []
        let text = "\(status) \(ResponseHead.standardReason(status))\n"
        var response = CGIResponse(text: text, status: status)
        if status == 503 { response.setHeader("Retry-After", "1") }
        ResponseHead.append(response, method: "GET", to: &bytes)
        replies.appendStream(.stdout, id: id, bytes + Array(text.utf8))
        replies.appendStreamEnd(.stdout, id: id)
    }
}
