/// The queue without its delivery thread, so that benchmarks can reach it and nothing else.
package struct QueueMeter: Sendable {
    private let mailbox: Mailbox
    private let request: TrackedRequest

    package init(capacity: Int, snapshot: RequestSnapshot) {
        mailbox = Mailbox(capacity: capacity, maximumBytes: .max) { _ in true }
        request = TrackedRequest(
            snapshot: snapshot, session: SessionIdentifier(), receivedAt: SystemClock.wallNanoseconds(),
            processingNanoseconds: 446_924, status: 200, responseCookies: [], viewName: "hello",
            contentBytes: snapshot.headers.measured().contentBytes)
    }

    /// One event in.
    package func capture() { mailbox.capture(request, ticket: 0) }

    /// All events of a chunk of the queue out and settled.
    package func settle() {
        var backlog = EventBacklog()
        _ = mailbox.refill(&backlog)
        let count = backlog.count
        var bytes = 0
        while !backlog.isEmpty { backlog.readNext { bytes &+= $0.approximateBytes } }
        mailbox.record { $0.settle(count, bytes: bytes, as: .delivered) }
    }
}
