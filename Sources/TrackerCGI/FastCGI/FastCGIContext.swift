import Synchronization
import TrackerCore

/// What a connection needs in order to process records.
struct FastCGIContext {
    let app: CGIApp.Snapshot
    let admission: FastCGIAdmission
    /// Milliseconds of the monotonic clock.
    let now: Int

    var limits: CGIAppConfiguration.FastCGI { app.configuration.fastCGI }

    /// Returns the reply to GET_VALUES (section 4.1): the known variables among those requested, each once.
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

/// Counts and limits the requests on all connections of a server.
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

    /// Requests between their first record and the end of their response.
    var requestsInWork: Int { inWork.load(ordering: .acquiring) }
    /// Requests admitted since the start.
    var requests: UInt64 { serials.load(ordering: .relaxed) }

    /// Admits a request.
    ///
    /// - Returns: its serial number; nil if there are too many.
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

/// A request that is ready for its handler.
struct FastCGIReadyRequest: Sendable {
    let id: UInt16
    let serial: UInt64
    let request: CGIRequest
    let plan: RequestPlan
    /// Whether the handler reads the body as it arrives.
    let isStreaming: Bool
    let announcedBytes: Int?
}

/// The outcome of a piece of input, acted on after the lock is released.
struct FastCGIOutcome: Sendable {
    var ready: [FastCGIReadyRequest] = []
    /// Records to send.
    var replies = FastCGIRecordEncoder()
    /// How many requests ended before a handler ran.
    var dropped = 0
    /// Requests that the web server aborted, whose tasks are to be cancelled.
    var cancelled: [UInt64] = []
    /// Requests whose body readers can continue.
    var readable: [UInt64] = []
    /// Log lines, by kind.
    var complaints: [(kind: String, text: String)] = []
    /// Whether the web server violated the protocol, so that the connection must be closed.
    var isViolation = false
    /// Whether to close once the replies are sent.
    var closes = false

    mutating func complain(_ kind: String, _ text: String) { complaints.append((kind, text)) }

    /// Answers a request that reaches no handler with a status page.
    mutating func reply(_ status: Int, to id: UInt16) {
        var bytes: [UInt8] = []
        let text = "\(status) \(ReasonPhrase.standard(status))\n"
        var response = CGIResponse(text: text, status: status)
        if status == 503 { response.setHeader("Retry-After", "1") }
        ResponseHead.append(response, method: "GET", to: &bytes)
        replies.appendStream(.stdout, id: id, bytes + Array(text.utf8))
        replies.appendStreamEnd(.stdout, id: id)
    }
}
