/// How the delivery of one payload ended.
public enum DeliveryOutcome: Sendable, Equatable {
    /// The backend has it.
    case delivered
    /// It may work later: an outage, a time-out, 408, 429 or 5xx. `after` is what the backend asked for, if it did.
    case retry(after: Duration?, because: String)
    /// The backend refuses the tracker as a whole until somebody changes something: a wrong token, project or
    /// certificate. The event waits; the next try comes after the longest pause.
    case holdBack(because: String)
    /// This payload will never be accepted.
    case drop(DropReason, because: String)
}
