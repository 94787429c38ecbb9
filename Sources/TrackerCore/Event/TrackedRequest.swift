/// The part of a request's record that is known at its start.
///
/// A class, because it refers to a dozen values and is passed on several times between request and event: copying it
/// each time would cost more than the measurement.
final class RequestStart: Sendable {
    let snapshot: RequestSnapshot
    let session: SessionIdentifier
    /// Nanoseconds since 1970-01-01 UTC.
    let receivedAt: Int64
    /// Monotonic nanoseconds.
    let startedAt: UInt64
    /// The approximate length of all headers.
    let contentBytes: Int

    init(
        snapshot: consuming RequestSnapshot, session: SessionIdentifier, receivedAt: Int64, startedAt: UInt64,
        contentBytes: Int = 0
    ) {
        self.snapshot = snapshot
        self.session = session
        self.receivedAt = receivedAt
        self.startedAt = startedAt
        self.contentBytes = contentBytes
    }
}

/// An answered request, with everything that its event needs.
struct TrackedRequest: Sendable {
    let start: RequestStart
    /// The end of the measurement, in monotonic nanoseconds.
    let finishedAt: UInt64
    let status: Int
    /// `Set-Cookie` values, without the tracker's own.
    let responseCookies: [String]
    let viewName: String?
    /// How many requests the event stands for; nil if every request becomes an event.
    let weight: Double?
    /// The approximate size of the event, which counts against the queue's byte limit.
    let approximateBytes: Int

    init(
        _ start: RequestStart, status: Int, responseCookies: [String] = [], viewName: String?, weight: Double? = nil,
        finishedAt: UInt64
    ) {
        var bytes = 256 &+ start.contentBytes &+ start.snapshot.targetBytes
        for cookie in responseCookies { bytes &+= 16 &+ cookie.utf8.count }
        approximateBytes = bytes
        self.start = start
        self.finishedAt = finishedAt
        self.status = status
        self.responseCookies = responseCookies
        self.viewName = viewName
        self.weight = weight
    }

    var processingNanoseconds: UInt64 { finishedAt > start.startedAt ? finishedAt - start.startedAt : 0 }

    /// Returns the request with a hook's changes. The size that the queue has counted does not change.
    ///
    /// - Parameter host: the host, if the hook got it as one of the header fields, which it may have removed.
    func changed(by draft: EventDraft, host: String?) -> TrackedRequest {
        var snapshot = start.snapshot
        snapshot.host = snapshot.host ?? host
        snapshot.target = draft.target
        snapshot.headers = RequestHeaders(draft.headers)
        // Parse them from the `Cookie` field that the hook left.
        snapshot.cookies = nil
        return TrackedRequest(
            RequestStart(
                snapshot: snapshot, session: start.session, receivedAt: start.receivedAt, startedAt: start.startedAt),
            status: status, responseCookies: responseCookies, viewName: draft.viewName, weight: weight,
            finishedAt: finishedAt)
    }
}

/// An event that the `beforeSend` hook may change or drop.
///
/// - Important: The values are not filtered yet. The privacy policy applies to what the hook leaves.
public struct EventDraft: Sendable {
    /// The request's method; not part of the event.
    public let method: String
    /// The response's status code.
    public let status: Int
    /// The visitor's session.
    public let session: SessionIdentifier
    /// How long the handler took.
    public let processingTime: Duration
    /// The name of the handler or route.
    public var viewName: String?
    /// Path and query, as sent.
    public var target: String
    /// The header fields, in the order sent.
    public var headers: [(name: String, value: String)]

    init(_ request: TrackedRequest) {
        method = request.start.snapshot.method
        status = request.status
        session = request.start.session
        processingTime = .nanoseconds(Int64(clamping: request.processingNanoseconds))
        viewName = request.viewName
        target = request.start.snapshot.target
        headers = request.start.snapshot.headers.fields
    }
}

/// Runs the app's `beforeSend` hook on the delivery thread.
struct BeforeSend {
    typealias Hook = @Sendable (inout EventDraft) throws -> Bool

    /// The hook's decision on one event.
    enum Decision {
        case send(TrackedRequest)
        case drop(DropReason)
    }

    private let hook: Hook
    private let log: TrackerLog
    private let onSlow: () -> Void
    /// The nanoseconds after which a call counts as slow, because it holds up all delivery.
    private static let patience: UInt64 = 50_000_000

    init(_ hook: @escaping Hook, log: TrackerLog, onSlow: @escaping () -> Void) {
        self.hook = hook
        self.log = log
        self.onSlow = onSlow
    }

    func apply(to request: TrackedRequest) -> Decision {
        var draft = EventDraft(request)
        let host = RequestHeaders.first("host", in: draft.headers)
        let started = SystemClock.monotonicNanoseconds()
        defer {
            if SystemClock.monotonicNanoseconds() - started > Self.patience {
                onSlow()
                log.write(.warning, topic: "hook.slow", "beforeSend took more than 50 ms: it holds up delivery")
            }
        }
        do {
            return try hook(&draft) ? .send(request.changed(by: draft, host: host)) : .drop(.beforeSend)
        } catch {
            // The hook may have been about to remove something, so don't send the event.
            log.write(.error, topic: "hook.error", "beforeSend failed, and its event is dropped: \(error)")
            return .drop(.hookFailed)
        }
    }
}

/// The limits of one event. Longer parts are cut off, and the event says so (`"truncated": true`).
enum EventLimit {
    static let headers = 100
    static let headerValueBytes = 8 << 10
    static let viewNameBytes = 1 << 10
    static let urlBytes = 16 << 10
    /// JSON bytes up to the end of each part, so that an event stays below 64 KiB however much escaping adds.
    static let headersEnd = 40 << 10
    static let cookiesEnd = 63 << 10
}
