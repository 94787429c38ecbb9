/// A request that was answered: all that its event is made of. Immutable, shared by reference.
final class TrackedRequest: Sendable {
    let snapshot: RequestSnapshot
    let session: SessionIdentifier
    /// Nanoseconds since 1970-01-01 UTC.
    let receivedAt: Int64
    let processingNanoseconds: UInt64
    let status: Int
    /// `Set-Cookie` values, without the tracker's own.
    let responseCookies: [String]
    let viewName: String?
    /// What the event counts against the queue's bound: its texts, and the rest of the JSON.
    let approximateBytes: Int

    init(
        snapshot: RequestSnapshot, session: SessionIdentifier, receivedAt: Int64, processingNanoseconds: UInt64,
        status: Int, responseCookies: [String], viewName: String?
    ) {
        self.snapshot = snapshot
        self.session = session
        self.receivedAt = receivedAt
        self.processingNanoseconds = processingNanoseconds
        self.status = status
        self.responseCookies = responseCookies
        self.viewName = viewName
        var bytes = 256 &+ snapshot.headers.contentBytes &+ snapshot.target.utf8.count
        for cookie in responseCookies { bytes &+= 16 &+ cookie.utf8.count }
        approximateBytes = bytes
    }
}
