/// Benchmarks the queue alone, without its delivery thread.
package struct QueueMeter: Sendable {
    private let mailbox: Mailbox
    private let request: TrackedRequest

    package init(capacity: Int, snapshot: RequestSnapshot) {
        mailbox = Mailbox(capacity: capacity, maximumBytes: .max) { _ in true }
        request = .sample(snapshot)
    }

    /// Enqueues one event.
    package func capture() { mailbox.capture(request, ticket: 0) }

    /// Dequeues and settles one chunk of events.
    package func settle() {
        var backlog = EventBacklog()
        _ = mailbox.refill(&backlog)
        let count = backlog.count
        var bytes = 0
        while !backlog.isEmpty { backlog.readNext { bytes &+= $0.approximateBytes } }
        mailbox.record { $0.settle(count, bytes: bytes, as: .delivered) }
    }
}

/// Benchmarks the encoder alone, on requests in turn.
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
        requests = snapshots.map(TrackedRequest.sample)
    }

    package mutating func encoded() -> [UInt8] { encoder.encode(requests[0]) }

    package mutating func encodeOnce() {
        lastLength = encoder.encode(requests[next]).count
        next = next &+ 1 < requests.count ? next &+ 1 : 0
    }
}

extension TrackedRequest {
    fileprivate static func sample(_ snapshot: RequestSnapshot) -> TrackedRequest {
        let start = RequestStart(
            snapshot: snapshot, session: SessionIdentifier(), receivedAt: SystemClock.wallNanoseconds(), startedAt: 0,
            contentBytes: snapshot.headers.contentBytes)
        return TrackedRequest(start, status: 200, viewName: "hello", finishedAt: 446_924)
    }
}

/// Counts the secret scanner's steps, for fuzzers and benchmarks.
package struct FilterProbe {
    private var scanner = SecretScanner(.with(), keeping: [])

    package init() {}

    /// Returns the number of the scanner's byte reads, and whether it reached its limit.
    package mutating func steps(_ bytes: [UInt8], isURL: Bool) -> (steps: Int, isExhausted: Bool) {
        bytes.withUnsafeBufferPointer { scanner.scan($0, isURL ? .url : .header) }
        return (scanner.steps, scanner.isExhausted)
    }

    /// Prefixes of keys, and of everything else that makes the scanner read ahead.
    package static let beginnings: [String] =
        SecretFormat.all.map(\.prefix) + [
            "eyJ", "bearer ", "basic ", "basic+", "-----BEGIN ", "://", "@", "a@b.", "code=", "token", "key:", "4111 ",
            "4111", "411-", "+1", "+49 ", "DE89", "DE89 ", "123-45-", "/reset/", "/reset/a1", "password=&", "%253D",
            "\\u0070",
            "&#112;", "&amp;", "<a>", "<password>", "\"token\":", "phone=1 ", "cGFzc3dvcmQ9", "é@cGFzc3dvcmQ9",
            "@cGFzc3dvcmQ9YQ==", "70617373", "state=%",
            "M0000000000000000000000000.", "12345678:AA", "token=\"\\\"", "=", ":", "{\"", ",a", "é", "\u{A0}",
        ]

    /// An ordinary request target, for comparison.
    package static let harmless = "/articles/2026/11/a-long-title-of-an-article?ref=front&page=3 "

    /// Returns `count` bytes of a repeated piece.
    package static func repeated(_ piece: String, _ count: Int) -> [UInt8] {
        let bytes = Array(piece.utf8)
        return (0..<count).map { bytes[$0 % bytes.count] }
    }
}
