import Foundation
import TrackerCore

/// A backend that accepts one payload and never responds, while the delivery thread continues with other work.
struct SilentTransport: EventTransport {
    private final class Session: TransportSession {
        var maximumInFlight: Int { 1 }
        func start(_ payload: DeliveryPayload) {}
        func wait(atMost limit: Duration) -> [DeliveryCompletion] {
            usleep(UInt32(clamping: limit.nanoseconds / 1000))
            return []
        }
        func cancel() {}
    }

    func open() throws(TransportUnavailable) -> any TransportSession { Session() }
}
