import Synchronization

/// A request whose measurement is over and whose event has not been handed over yet.
public struct MeasuredRequest: Sendable {
    /// nil if the request is not in the sample.
    let request: TrackedRequest?
    let ticket: UInt64
    let mailbox: Mailbox

    /// Whether there is an event at all: false if the request is not in the sample.
    package var hasEvent: Bool { request != nil }

    /// Hands the event over to the delivery thread of the tracker that began the measurement. A request counts once,
    /// however often this is called.
    public func send() { send(to: mailbox) }

    /// Hands the event over to another tracker, for example one with shorter time-outs.
    ///
    /// If that one is disabled, the tracker that began the measurement counts the event as dropped.
    package func send(through tracker: Tracker) {
        if let other = tracker.mailbox {
            send(to: other)
        } else {
            mailbox.count(ticket) { $0.refuse(.disabled) }
        }
    }

    private func send(to target: Mailbox) {
        if let request {
            target.capture(request, ticket: ticket)
        } else {
            mailbox.count(ticket) { $0.countSampledOut() }
        }
    }
}

/// Decides whether a request is measured at all, and leads to where its event goes. One for each tracker.
final class RequestGate: Sendable {
    /// Which requests become events; nil: all.
    let selection: Selection?
    /// Whom to believe about how a client came; nil: nobody.
    let forwardedOrigin: ForwardedOrigin?
    let mailbox: Mailbox
    private let tickets = Atomic<UInt64>(0)

    init(configuration: TrackerConfiguration, mailbox: Mailbox) {
        selection = Selection(configuration)
        forwardedOrigin = ForwardedOrigin(configuration.trustedProxies)
        self.mailbox = mailbox
    }

    /// Whether the request is measured; counts it if not.
    func admits(_ snapshot: RequestSnapshot) -> Bool {
        guard let selection, selection.ignores(snapshot) else { return true }
        mailbox.countIgnored()
        return false
    }

    /// A number for a measurement, by which its event is counted once. Never 0.
    func nextTicket() -> UInt64 { tickets.add(1, ordering: .relaxed).newValue }
}
