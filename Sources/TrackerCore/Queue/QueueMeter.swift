/// The queue without its delivery thread, so that benchmarks can reach it and nothing else.
package struct QueueMeter: Sendable {
    private let pipeline: DeliveryPipeline
    private let request: TrackedRequest

    package init(capacity: Int, snapshot: RequestSnapshot) {
        pipeline = DeliveryPipeline(capacity: capacity, maximumBytes: .max) { _ in true }
        request = TrackedRequest(
            snapshot: snapshot, session: SessionIdentifier(), receivedAt: SystemClock.wallNanoseconds(),
            processingNanoseconds: 446_924, status: 200, responseCookies: [], viewName: "hello",
            contentBytes: snapshot.headers.measured().contentBytes)
    }

    /// One event in.
    package func capture() { pipeline.capture(request) }

    /// All events out and settled, up to a chunk of the queue.
    package func settle(_ count: Int) {
        var backlog = EventBacklog()
        let taken = pipeline.take(count, into: &backlog).count
        var bytes = 0
        backlog.read(taken) { bytes &+= $1.approximateBytes }
        pipeline.settleDelivered(taken, bytes: bytes)
    }
}
