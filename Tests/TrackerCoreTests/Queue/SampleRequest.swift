@testable import TrackerCore

extension TrackedRequest {
    /// A request with a 200 and without a view, for tests of what handles requests whatever is in them.
    static func sample(
        target: String = "/", headers: RequestHeaders = RequestHeaders([]), contentBytes: Int = 0,
        receivedAt: Int64 = 0, startedAt: UInt64 = 0, finishedAt: UInt64 = 0
    ) -> TrackedRequest {
        sample(
            RequestSnapshot(method: "GET", target: target, headers: headers), contentBytes: contentBytes,
            receivedAt: receivedAt, startedAt: startedAt, finishedAt: finishedAt)
    }

    static func sample(
        _ snapshot: RequestSnapshot, contentBytes: Int = 0, receivedAt: Int64 = 0, startedAt: UInt64 = 0,
        finishedAt: UInt64 = 0
    ) -> TrackedRequest {
        TrackedRequest(
            RequestStart(
                snapshot: snapshot, session: SessionIdentifier(high: 1, low: 2), receivedAt: receivedAt,
                startedAt: startedAt, contentBytes: contentBytes),
            status: 200, viewName: nil, finishedAt: finishedAt)
    }
}
