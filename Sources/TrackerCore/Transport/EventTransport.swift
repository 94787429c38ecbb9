/// A way to get events to a backend.
///
/// The transport itself is a description and may be shared. Its work is done by a ``TransportSession``, which lives on
/// the delivery thread.
public protocol EventTransport: Sendable {
    /// Called on the delivery thread, when the first event is to be sent; and again later if it threw.
    ///
    /// - Throws: a ``TransportUnavailable`` that says what to do.
    func open() throws(TransportUnavailable) -> any TransportSession
}

/// There is no way to send. Its text is one sentence that says what to do.
public struct TransportUnavailable: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what to do.
    public let description: String

    /// Makes the error.
    public init(_ description: String) {
        self.description = description
    }
}

/// What a transport does on the delivery thread. No method is called from anywhere else.
public protocol TransportSession: AnyObject {
    /// How many payloads may be under way at once, at most. It may change when the transport learns more about its peer.
    var maximumInFlight: Int { get }

    /// Connections that are open now, and the protocol of the last answer, for the statistics. By default unknown.
    var connections: TransportConnections { get }

    /// Begins to send. Must not wait; the result comes from ``wait(atMost:)``.
    func start(_ payload: DeliveryPayload)

    /// Waits until a payload has ended or the time is over, and gives those that have.
    func wait(atMost limit: Duration) -> [DeliveryCompletion]

    /// Gives up what is under way, at once and without results.
    func cancel()

    /// Called when nothing was sent for a while. By default nothing happens.
    func closeIdleConnections()
}

extension TransportSession {
    /// Part of ``TransportSession``.
    public var connections: TransportConnections { TransportConnections() }
    /// Part of ``TransportSession``.
    public func closeIdleConnections() {}
}

/// What a transport tells about its connections.
public struct TransportConnections: Sendable, Equatable {
    /// How many are open.
    public var count: Int
    /// Such as `HTTP/1.1`; nil if unknown.
    public var httpVersion: String?

    /// Makes the description.
    public init(count: Int = 0, httpVersion: String? = nil) {
        self.count = count
        self.httpVersion = httpVersion
    }
}

/// A session for transports that send at once: each payload ends where it starts.
public final class ImmediateSession: TransportSession {
    private let send: (DeliveryPayload) -> DeliveryCompletion
    private var completions: [DeliveryCompletion] = []

    /// - Parameter send: sends one payload; the delivery thread waits for it.
    public init(send: @escaping (DeliveryPayload) -> DeliveryCompletion) {
        self.send = send
    }

    /// 64: enough to let go of the queue's lock rarely.
    public var maximumInFlight: Int { 64 }

    /// Sends the payload.
    public func start(_ payload: DeliveryPayload) {
        completions.append(send(payload))
    }

    /// Gives what has ended since the last call.
    public func wait(atMost limit: Duration) -> [DeliveryCompletion] {
        defer { completions.removeAll(keepingCapacity: true) }
        return completions
    }

    /// Forgets results that were not fetched.
    public func cancel() {
        completions.removeAll()
    }
}

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

/// How one attempt to deliver a payload ended.
///
///     DeliveryCompletion(identifier: payload.identifier, outcome: .retry(after: .seconds(5), because: "HTTP 503"))
///
/// Made with the members below. A later version may add others.
public struct DeliveryOutcome: Sendable, Equatable {
    /// What the delivery loop tells apart.
    enum Kind: Sendable, Equatable {
        case delivered
        case retry(after: Duration?, because: String)
        case unreachable(because: String)
        case holdBack(because: String)
        case drop(DropReason, because: String)
    }

    let kind: Kind

    /// The backend has it.
    public static let delivered = DeliveryOutcome(kind: .delivered)

    /// The backend answered that it may work later, such as 408, 429 or 5xx.
    ///
    /// - Parameters:
    ///   - after: what the backend asked for, if it did.
    ///   - because: what happened, for the log.
    public static func retry(after: Duration? = nil, because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .retry(after: after, because: because))
    }

    /// No answer came: the connection was refused, broke or timed out.
    ///
    /// - Parameter because: what happened, for the log.
    public static func unreachable(because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .unreachable(because: because))
    }

    /// The backend refuses the tracker as a whole until somebody changes something: a wrong token, project or
    /// certificate, or a redirect. The event waits; the next try comes after the longest pause.
    ///
    /// - Parameter because: what is wrong and what to do, for the log.
    public static func holdBack(because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .holdBack(because: because))
    }

    /// This payload will never be accepted. A payload of several events is halved until the bad one stands alone.
    ///
    /// - Parameters:
    ///   - reason: what the event is counted under.
    ///   - because: what happened, for the log.
    public static func drop(_ reason: DropReason, because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .drop(reason, because: because))
    }
}
