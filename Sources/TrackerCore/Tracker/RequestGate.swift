import Synchronization

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
