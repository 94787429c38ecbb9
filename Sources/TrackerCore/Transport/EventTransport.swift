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
