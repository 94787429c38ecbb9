import Synchronization

/// Keeps events in memory instead of sending them: for tests of an app that uses the tracker.
public final class InMemoryTransport: EventTransport {
    private struct State {
        var payloads: [DeliveryPayload] = []
        var delivered: [[UInt8]] = []
    }

    private let state = Mutex(State())
    private let respond: @Sendable (DeliveryPayload) -> DeliveryOutcome

    /// - Parameter respond: plays the backend; by default it takes everything.
    public init(respond: @escaping @Sendable (DeliveryPayload) -> DeliveryOutcome = { _ in .delivered }) {
        self.respond = respond
    }

    /// The JSON texts of the events that were delivered, in order.
    public var events: [String] {
        state.withLock { $0.delivered }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Everything that was sent, repetitions included, in order.
    public var payloads: [DeliveryPayload] {
        state.withLock { $0.payloads }
    }

    /// Forgets all events.
    public func removeAll() {
        state.withLock { $0 = State() }
    }

    /// Part of ``EventTransport``.
    public func open() throws(TransportUnavailable) -> any TransportSession {
        ImmediateSession { [self] payload in
            let outcome = respond(payload)
            state.withLock { state in
                state.payloads.append(payload)
                guard outcome == .delivered else { return }
                if payload.eventCount == 1 {
                    state.delivered.append(payload.body)
                } else {
                    state.delivered += payload.body.split(separator: UInt8(ascii: "\n")).map(Array.init)
                }
            }
            return DeliveryCompletion(identifier: payload.identifier, outcome: outcome)
        }
    }
}
