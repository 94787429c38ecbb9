/// Encodes requests in turn, so that benchmarks can reach the encoder and nothing else.
package struct EncodingMeter: ~Copyable {
    private var encoder: EventEncoder
    private let requests: [TrackedRequest]
    private var next = 0
    /// The length of the last event.
    package private(set) var lastLength = 0

    package init(privacy: PrivacyPolicy, snapshot: RequestSnapshot) {
        self.init(privacy: privacy, snapshots: [snapshot])
    }

    package init(privacy: PrivacyPolicy, snapshots: [RequestSnapshot]) {
        encoder = EventEncoder(projectToken: "project-token", privacy: privacy)
        requests = snapshots.map { snapshot in
            TrackedRequest(
                snapshot: snapshot, session: SessionIdentifier(), receivedAt: SystemClock.wallNanoseconds(),
                processingNanoseconds: 446_924, status: 200, responseCookies: [], viewName: "hello",
                contentBytes: snapshot.headers.measured().contentBytes)
        }
    }

    package mutating func encoded() -> [UInt8] { encoder.encode(requests[0]) }

    package mutating func encodeOnce() {
        lastLength = encoder.encode(requests[next]).count
        next = next &+ 1 < requests.count ? next &+ 1 : 0
    }
}
