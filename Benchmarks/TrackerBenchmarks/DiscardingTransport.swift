import TrackerCore

/// Accepts and discards everything: the whole pipeline without a network.
struct DiscardingTransport: EventTransport {
    func open() throws(TransportUnavailable) -> any TransportSession {
        ImmediateSession { DeliveryCompletion(identifier: $0.identifier, outcome: .delivered) }
    }
}
