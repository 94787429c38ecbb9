/// Encodes one request again and again, so that benchmarks can reach the encoder and nothing else.
package struct EncodingMeter: ~Copyable {
    private var encoder: EventEncoder
    private let request: TrackedRequest
    /// The length of the last event.
    package private(set) var lastLength = 0

    package init(privacy: PrivacyPolicy, snapshot: RequestSnapshot) {
        encoder = EventEncoder(projectToken: "project-token", privacy: privacy)
        request = TrackedRequest(
            snapshot: snapshot, session: SessionIdentifier(), receivedAt: SystemClock.wallNanoseconds(),
            processingNanoseconds: 446_924, status: 200, responseCookies: [], viewName: "hello")
    }

    package mutating func encoded() -> [UInt8] { encoder.encode(request) }

    package mutating func encodeOnce() {
        lastLength = encoder.encode(request).count
    }
}
