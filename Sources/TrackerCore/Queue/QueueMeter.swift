/// The queue without its delivery thread, so that benchmarks can reach it and nothing else.
package struct QueueMeter: Sendable {
    private let pipeline: DeliveryPipeline
    private let request: TrackedRequest

    package init(capacity: Int, snapshot: RequestSnapshot) {
        pipeline = DeliveryPipeline(capacity: capacity, maximumBytes: .max) { _ in true }
        request = TrackedRequest(
            snapshot: snapshot, session: SessionIdentifier(), receivedAt: SystemClock.wallNanoseconds(),
            processingNanoseconds: 446_924, status: 200, responseCookies: [], viewName: "hello")
    }

    /// One event in.
    package func capture() { pipeline.capture(request) }

    /// Up to so many events out and settled.
    package func settle(_ count: Int) {
        let taken = pipeline.take(count).requests
        pipeline.settleDelivered(
            taken.count, bytes: taken.reduce(0) { $0 &+ $1.approximateBytes })
    }
}
