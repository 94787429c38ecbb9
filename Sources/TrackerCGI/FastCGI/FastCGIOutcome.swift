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
