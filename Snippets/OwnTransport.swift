// A custom transport.

import TrackerCore

// snippet.immediate
/// Hands each event to a function, such as one that puts it on a message bus.
struct FunctionTransport: EventTransport {
    let publish: @Sendable ([UInt8]) throws -> Void

    func open() throws(TransportUnavailable) -> any TransportSession {
        ImmediateSession { payload in
            do {
                try publish(payload.body)
                return DeliveryCompletion(identifier: payload.identifier, outcome: .delivered)
            } catch {
                return DeliveryCompletion(
                    identifier: payload.identifier, outcome: .retry(after: nil, because: "\(error)"))
            }
        }
    }
}
// snippet.end

// snippet.use
let tracker = try Tracker(
    configuration: TrackerConfiguration(), transport: FunctionTransport { event in print(event.count, "bytes") })
// snippet.end

// snippet.dryrun
let dryRun = try Tracker(configuration: TrackerConfiguration(), transport: StandardOutputTransport())
// snippet.end
tracker.shutdown()
dryRun.shutdown()
