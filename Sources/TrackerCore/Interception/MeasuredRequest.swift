/// A request whose measurement is over and whose event has not been handed over yet.
public struct MeasuredRequest: Sendable {
    let request: TrackedRequest
    let pipeline: DeliveryPipeline

    /// Hands the event over to the delivery thread of the tracker that began the measurement. Call it once.
    public func send() {
        pipeline.capture(request)
    }

    /// Hands the event over to another tracker, for example one with shorter time-outs.
    public func send(through tracker: Tracker) {
        tracker.capture(request)
    }
}
