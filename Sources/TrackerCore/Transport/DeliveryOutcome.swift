/// How one attempt to deliver a payload ended.
public enum DeliveryOutcome: Sendable, Equatable {
    /// The backend has it.
    case delivered
    /// The backend answered that it may work later, such as 408, 429 or 5xx. `after` is what it asked for, if it did.
    case retry(after: Duration?, because: String)
    /// No answer came: the connection was refused, broke or timed out.
    case unreachable(because: String)
    /// The backend refuses the tracker as a whole until somebody changes something: a wrong token, project or
    /// certificate, or a redirect. The event waits; the next try comes after the longest pause.
    case holdBack(because: String)
    /// This payload will never be accepted.
    case drop(DropReason, because: String)
}
