/// An answered request, with everything that its event needs.
struct TrackedRequest: Sendable {
    let snapshot: RequestSnapshot
    let session: SessionIdentifier
    /// Nanoseconds since 1970-01-01 UTC.
    let receivedAt: Int64
    let processingNanoseconds: UInt64
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

    /// Returns the request with a hook's changes. Its size was counted when it was queued.
    func changed(by draft: EventDraft) -> TrackedRequest {
        var snapshot = snapshot
        // Read the host before the headers, which may be its source, are replaced.
        snapshot.host = snapshot.host ?? snapshot.headers.host
        snapshot.target = draft.target
        snapshot.headers = RequestHeaders(draft.headers)
        return TrackedRequest(
            snapshot: snapshot, session: session, receivedAt: receivedAt,
            processingNanoseconds: processingNanoseconds, status: status, responseCookies: responseCookies,
            viewName: draft.viewName, weight: weight, finishedAt: finishedAt)
    }
}
