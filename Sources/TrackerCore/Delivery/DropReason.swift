/// Why an event was not delivered and never will be. Every drop has one.
public enum DropReason: String, Sendable, Hashable, CaseIterable {
    /// The queue was at its bound of events or bytes when the event was captured.
    case queueFull = "queue_full"
    /// The backend answered that this event is not acceptable (4xx).
    case rejected
    /// The backend answered with a redirect, which is never followed: the endpoint is wrong.
    case redirected
    /// The event kept failing while others went through.
    case retriesExhausted = "retries_exhausted"
    /// There is no way to send: libcurl is missing, or a transport could not start.
    case transportUnavailable = "transport_unavailable"
    /// The tracker was shut down before the event could be delivered, or before it was captured.
    case shutdown
    /// The app's `beforeSend` did not want it sent.
    case beforeSend = "before_send"
    /// The app's `beforeSend` threw.
    case hookFailed = "hook_failed"
    /// The spool's directory could not take the event: the disk is full, or it can't be written.
    case spoolFailed = "spool_failed"
    /// The event was on disk and had to go: the spool was at its size limit, or the event too old, or the file damaged.
    case spoolLimit = "spool_limit"

    var index: Int {
        switch self {
        case .queueFull: 0
        case .rejected: 1
        case .redirected: 2
        case .retriesExhausted: 3
        case .transportUnavailable: 4
        case .shutdown: 5
        case .spoolFailed: 6
        case .spoolLimit: 7
        case .beforeSend: 8
        case .hookFailed: 9
        }
    }
}
