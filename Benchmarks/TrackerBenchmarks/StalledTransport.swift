import Dispatch
import TrackerCore

/// Accepts one event and never completes it: the delivery thread blocks, and the queue fills.
struct StalledTransport: EventTransport {
    private final class Session: TransportSession {
        let forever = DispatchSemaphore(value: 0)

        var maximumInFlight: Int { 1 }
        func start(_ payload: DeliveryPayload) {}
        func wait(atMost limit: Duration) -> [DeliveryCompletion] {
            forever.wait()
            return []
        }
        func cancel() {}
    }

    func open() throws(TransportUnavailable) -> any TransportSession { Session() }
}
