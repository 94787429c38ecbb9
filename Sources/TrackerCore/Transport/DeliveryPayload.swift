/// One POST's worth: an event, or several as lines.
public struct DeliveryPayload: Sendable {
    /// Tells payloads in flight apart; its ``DeliveryCompletion`` carries it back.
    public let identifier: UInt64
    /// One JSON event, or one per line.
    public let body: [UInt8]
    /// `application/json`, or `application/x-ndjson` for lines.
    public let contentType: String
    /// The same whenever the same payload is sent again, so that a backend can tell a duplicate.
    public var idempotencyKey: String { key.text }
    let key: ParcelKey
    /// How many events the body holds.
    public let eventCount: Int

    static let jsonType = "application/json"
    static let linesType = "application/x-ndjson"
}

/// The end of one payload's delivery.
public struct DeliveryCompletion: Sendable {
    /// The payload's.
    public var identifier: UInt64
    /// What became of it.
    public var outcome: DeliveryOutcome
    /// Whether the backend said that it takes several events at once (`Accept-Post: application/x-ndjson`).
    public var acceptsLines: Bool
    /// The time from the request to the first byte of its answer; nil: the tracker measures from the start of the
    /// payload to its completion.
    public var latency: Duration?
    /// How long the backend asks to be left alone (`Retry-After`), whatever the outcome; nil if it does not.
    public var retryAfter: Duration?

    /// Makes a completion.
    public init(
        identifier: UInt64, outcome: DeliveryOutcome, acceptsLines: Bool = false, latency: Duration? = nil,
        retryAfter: Duration? = nil
    ) {
        self.identifier = identifier
        self.outcome = outcome
        self.acceptsLines = acceptsLines
        self.latency = latency
        self.retryAfter = retryAfter
    }

    /// Makes the completion that an HTTP answer stands for (RFC 9110, section 15): what was delivered, what is tried
    /// again and what is dropped.
    ///
    /// - Parameters:
    ///   - payload: what was sent.
    ///   - status: the answer's status.
    ///   - retryAfter: the value of `Retry-After`, if there is one.
    ///   - acceptPost: the value of `Accept-Post`, if there is one.
    ///   - latency: the time to the answer's first byte, if it is known.
    public init(
        of payload: DeliveryPayload, status: Int, retryAfter: String? = nil, acceptPost: String? = nil,
        latency: Duration? = nil
    ) {
        let answer = HTTPAnswer(status: status, retryAfter: retryAfter ?? "", acceptPost: acceptPost ?? "")
        let now = SystemClock.wallNanoseconds()
        self.init(
            identifier: payload.identifier, outcome: answer.outcome(now: now), acceptsLines: answer.acceptsLines,
            latency: latency, retryAfter: answer.pause(now: now))
    }
}
