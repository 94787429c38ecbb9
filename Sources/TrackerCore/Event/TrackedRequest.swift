/// What is known of a request when it begins.
///
/// A class, because it refers to a dozen values: between the request and its event it is handed on several times, and
/// copying it would cost more than measuring.
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
    /// The bytes that the event counts against the queue's limit: its text, and the rest of the JSON.
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

    /// Returns the request with a hook's changes. Its size was counted when it was queued.
    func changed(by draft: EventDraft) -> TrackedRequest {
        var snapshot = start.snapshot
        // Read the host before the headers, which may be its source, are replaced.
        snapshot.host = snapshot.host ?? snapshot.headers.host
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
