/// A transport that delivers events to a backend.
///
/// The transport is only a description and may be shared. A ``TransportSession`` on the delivery thread does the work.
public protocol EventTransport: Sendable {
    /// Opens a session. Called on the delivery thread when the first event is to be sent, and again later if it threw.
    ///
    /// - Throws: a ``TransportUnavailable`` that says what to do.
    func open() throws(TransportUnavailable) -> any TransportSession
}

/// The error of a transport that cannot send. Its description is one sentence that says what to do.
public struct TransportUnavailable: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what to do.
    public let description: String

    /// Creates the error.
    ///
    /// - Parameter description: what is wrong and what to do, in one sentence. It is logged.
    public init(_ description: String) {
        self.description = description
    }
}

/// An open transport. Its methods are called on the delivery thread only.
public protocol TransportSession: AnyObject {
    /// The maximum number of payloads in flight. It may change as the transport learns about its peer.
    var maximumInFlight: Int { get }

    /// The open connections and the protocol of the last response, for the statistics. Unknown by default.
    var connections: TransportConnections { get }

    /// Starts sending a payload; the result comes from ``wait(atMost:)``.
    ///
    /// - Important: Must not block.
    func start(_ payload: DeliveryPayload)

    /// Waits until a payload completes or the limit has passed. May return early.
    ///
    /// - Returns: the completions since the last call, each payload once; empty if none.
    func wait(atMost limit: Duration) -> [DeliveryCompletion]

    /// Abandons everything in flight, at once and without completions.
    func cancel()

    /// Closes idle connections. Called when nothing was sent for a while; a no-op by default.
    func closeIdleConnections()
}

extension TransportSession {
    /// The default: unknown.
    public var connections: TransportConnections { TransportConnections() }
    /// The default: a no-op.
    public func closeIdleConnections() {}
}

/// The connections of a transport.
public struct TransportConnections: Sendable, Equatable {
    /// The number of open connections.
    public var count: Int
    /// The protocol, such as `HTTP/1.1`; nil if unknown.
    public var httpVersion: String?

    /// Creates the description.
    public init(count: Int = 0, httpVersion: String? = nil) {
        self.count = count
        self.httpVersion = httpVersion
    }
}

/// A transport session that sends synchronously: each payload completes in ``start(_:)``.
public final class ImmediateSession: TransportSession {
    private let send: (DeliveryPayload) -> DeliveryCompletion
    private var completions: [DeliveryCompletion] = []

    /// Creates a session that sends with a blocking function.
    ///
    /// - Parameter send: sends one payload and blocks the delivery thread until it returns.
    public init(send: @escaping (DeliveryPayload) -> DeliveryCompletion) {
        self.send = send
    }

    /// 64: large enough to take the queue's lock rarely.
    public var maximumInFlight: Int { 64 }

    /// Sends the payload.
    public func start(_ payload: DeliveryPayload) {
        completions.append(send(payload))
    }

    /// Returns what has completed since the last call.
    public func wait(atMost limit: Duration) -> [DeliveryCompletion] {
        defer { completions.removeAll(keepingCapacity: true) }
        return completions
    }

    /// Discards completions that were not fetched.
    public func cancel() {
        completions.removeAll()
    }
}

/// The body of one POST: an event, or several as lines.
public struct DeliveryPayload: Sendable {
    /// Identifies the payload while it is in flight; its ``DeliveryCompletion`` carries it back.
    public let identifier: UInt64
    /// One JSON event, or one per line.
    public let body: [UInt8]
    /// `application/json`, or `application/x-ndjson` for lines.
    public let contentType: String
    /// The same each time the payload is sent, so that a backend can detect duplicates.
    public var idempotencyKey: String { key.text }
    let key: ParcelKey
    /// The number of events in the body.
    public let eventCount: Int

    static let jsonType = "application/json"
    static let linesType = "application/x-ndjson"
}

/// The result of one attempt to deliver a payload.
public struct DeliveryCompletion: Sendable {
    /// The payload's identifier.
    public var identifier: UInt64
    /// The outcome of the attempt.
    public var outcome: DeliveryOutcome
    /// Whether the backend said that it accepts several events at once (`Accept-Post: application/x-ndjson`).
    public var acceptsLines: Bool
    /// The time from the request to the first byte of its response. If nil, the tracker measures from the start of the
    /// payload to its completion.
    public var latency: Duration?
    /// The wait that the backend asked for (`Retry-After`); nil if it did not. With an outcome of ``DeliveryOutcome/retry(after:because:)``
    /// the longer of both counts, with ``DeliveryOutcome/holdBack(because:)`` and
    /// ``DeliveryOutcome/unreachable(because:)`` this one; it is ignored if the payload was delivered or dropped.
    public var retryAfter: Duration?

    /// Creates a completion.
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

    /// Creates the completion for an HTTP response: delivered, retried or dropped by its status (RFC 9110, section 15).
    ///
    /// - Parameters:
    ///   - payload: what was sent.
    ///   - status: the response's status code.
    ///   - retryAfter: the value of `Retry-After`, if there is one.
    ///   - acceptPost: the value of `Accept-Post`, if there is one.
    ///   - latency: the time to the response's first byte, if known.
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

/// The outcome of an attempt to deliver a payload.
///
///     DeliveryCompletion(identifier: payload.identifier, outcome: .retry(after: .seconds(5), because: "HTTP 503"))
///
/// Create one with the members below; a later version may add others.
public struct DeliveryOutcome: Sendable, Equatable {
    /// The outcomes that the delivery loop distinguishes.
    enum Kind: Sendable, Equatable {
        case delivered
        case retry(after: Duration?, because: String)
        case unreachable(because: String)
        case holdBack(because: String)
        case drop(DropReason, because: String)
    }

    let kind: Kind

    /// The backend accepted the payload.
    public static let delivered = DeliveryOutcome(kind: .delivered)

    /// The backend responded that it may accept the payload later, as with 408, 429 or 5xx.
    ///
    /// - Parameters:
    ///   - after: the wait that the backend asked for, if it did.
    ///   - because: what happened, for the log.
    public static func retry(after: Duration? = nil, because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .retry(after: after, because: because))
    }

    /// No response came: the connection was refused, broke or timed out.
    ///
    /// - Parameter because: what happened, for the log.
    public static func unreachable(because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .unreachable(because: because))
    }

    /// The backend rejects the tracker as a whole until a setting changes: a wrong token, project or certificate, or a
    /// redirect. The event waits; the next attempt comes after the longest pause.
    ///
    /// - Parameter because: what is wrong and what to do, for the log.
    public static func holdBack(because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .holdBack(because: because))
    }

    /// The payload will never be accepted. With the reason ``DropReason/rejected``, a payload of several events is
    /// halved until the bad one stands alone.
    ///
    /// - Parameters:
    ///   - reason: the reason that the event is counted under.
    ///   - because: what happened, for the log.
    public static func drop(_ reason: DropReason, because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .drop(reason, because: because))
    }
}
