/// A request that was answered: all that its event is made of.
struct TrackedRequest: Sendable {
    let snapshot: RequestSnapshot
    let session: SessionIdentifier
    /// Nanoseconds since 1970-01-01 UTC.
    let receivedAt: Int64
    let processingNanoseconds: UInt64
    /// When the measurement ended, in monotonic nanoseconds.
    let finishedAt: UInt64
    let status: Int
    /// `Set-Cookie` values, without the tracker's own.
    let responseCookies: [String]
    let viewName: String?
    /// How many requests the event stands for; nil where all requests become events.
    let weight: Double?
    /// What the event counts against the queue's bound: its texts, and the rest of the JSON.
    let approximateBytes: Int

    init(
        snapshot: consuming RequestSnapshot, session: SessionIdentifier, receivedAt: Int64,
        processingNanoseconds: UInt64, status: Int, responseCookies: [String], viewName: String?,
        weight: Double? = nil, contentBytes: Int = 0, finishedAt: UInt64 = SystemClock.monotonicNanoseconds()
    ) {
        var bytes = 256 &+ contentBytes &+ snapshot.target.utf8.count
        for cookie in responseCookies { bytes &+= 16 &+ cookie.utf8.count }
        approximateBytes = bytes
        self.snapshot = snapshot
        self.session = session
        self.receivedAt = receivedAt
        self.processingNanoseconds = processingNanoseconds
        self.finishedAt = finishedAt
        self.status = status
        self.responseCookies = responseCookies
        self.viewName = viewName
        self.weight = weight
    }

    /// The same request as a hook wants it to be seen; what it takes in the queue has been counted.
    func changed(by draft: EventDraft) -> TrackedRequest {
        var snapshot = snapshot
        // Asked before the headers are replaced, where the two may be lost.
        snapshot.host = snapshot.host ?? snapshot.headers.host
        snapshot.target = draft.target
        snapshot.headers = RequestHeaders(draft.headers)
        return TrackedRequest(
            snapshot: snapshot, session: session, receivedAt: receivedAt,
            processingNanoseconds: processingNanoseconds, status: status, responseCookies: responseCookies,
            viewName: draft.viewName, weight: weight, finishedAt: finishedAt)
    }
}
