/// A request whose measurement is over and whose event has not been handed over yet.
public struct MeasuredRequest: Sendable {
    /// nil if the request is not in the sample.
    let request: TrackedRequest?
    let pipeline: DeliveryPipeline

    /// Whether there is an event at all: false if the request is not in the sample.
    package var hasEvent: Bool { request != nil }

    /// Hands the event over to the delivery thread of the tracker that began the measurement. Call it once.
    public func send() {
        if let request { pipeline.capture(request) } else { pipeline.countSampledOut() }
    }

    /// Hands the event over to another tracker, for example one with shorter time-outs.
    public func send(through tracker: Tracker) {
        if let request { tracker.capture(request) } else { pipeline.countSampledOut() }
    }
}
