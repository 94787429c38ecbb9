/// How one attempt to deliver a payload ended.
///
///     DeliveryCompletion(identifier: payload.identifier, outcome: .retry(after: .seconds(5), because: "HTTP 503"))
///
/// Made with the members below. A later version may add others.
public struct DeliveryOutcome: Sendable, Equatable {
    /// What the delivery loop tells apart.
    enum Kind: Sendable, Equatable {
        case delivered
        case retry(after: Duration?, because: String)
        case unreachable(because: String)
        case holdBack(because: String)
        case drop(DropReason, because: String)
    }

    let kind: Kind

    /// The backend has it.
    public static let delivered = DeliveryOutcome(kind: .delivered)

    /// The backend answered that it may work later, such as 408, 429 or 5xx.
    ///
    /// - Parameters:
    ///   - after: what the backend asked for, if it did.
    ///   - because: what happened, for the log.
    public static func retry(after: Duration? = nil, because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .retry(after: after, because: because))
    }

    /// No answer came: the connection was refused, broke or timed out.
    ///
    /// - Parameter because: what happened, for the log.
    public static func unreachable(because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .unreachable(because: because))
    }

    /// The backend refuses the tracker as a whole until somebody changes something: a wrong token, project or
    /// certificate, or a redirect. The event waits; the next try comes after the longest pause.
    ///
    /// - Parameter because: what is wrong and what to do, for the log.
    public static func holdBack(because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .holdBack(because: because))
    }

    /// This payload will never be accepted. A payload of several events is halved until the bad one stands alone.
    ///
    /// - Parameters:
    ///   - reason: what the event is counted under.
    ///   - because: what happened, for the log.
    public static func drop(_ reason: DropReason, because: String) -> DeliveryOutcome {
        DeliveryOutcome(kind: .drop(reason, because: because))
    }
}
