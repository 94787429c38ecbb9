/// Why an event was not delivered and never will be. Every drop has one.
public enum DropReason: String, Sendable, Hashable, CaseIterable {
    /// The queue was at its bound of events or bytes when the event was captured.
    case queueFull = "queue_full"
    /// The backend answered that this event is not acceptable (4xx).
    case rejected
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
    /// The tracker ended, and the spool could not take the event: the disk is full, or it can't be written.
    case spoolFailed = "spool_failed"
    /// The event was on disk and had to go: the spool was at its size limit, or the event too old, or the file damaged.
    case spoolLimit = "spool_limit"
    /// The event was measured by a tracker that is enabled, and handed to one that is disabled.
    case disabled

    var index: Int {
        switch self {
        case .queueFull: 0
        case .rejected: 1
        case .retriesExhausted: 2
        case .transportUnavailable: 3
        case .shutdown: 4
        case .spoolFailed: 5
        case .spoolLimit: 6
        case .beforeSend: 7
        case .hookFailed: 8
        case .disabled: 9
        }
    }
}
