/// Why an event was not delivered and never will be. Every drop has one.
///
/// A later version may add reasons: a `switch` over them needs a `default`.
public struct DropReason: RawRepresentable, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    private enum Identity: String, CaseIterable {
        case queueFull = "queue_full"
        case rejected
        case retriesExhausted = "retries_exhausted"
        case transportUnavailable = "transport_unavailable"
        case shutdown
        case spoolFailed = "spool_failed"
        case spoolLimit = "spool_limit"
        case beforeSend = "before_send"
        case hookFailed = "hook_failed"
        case disabled
    }

    private let code: Identity

    private init(_ code: Identity) {
        self.code = code
    }

    /// The reason with this name, as `rawValue` gives it; nil if there is none.
    public init?(rawValue: String) {
        guard let code = Identity(rawValue: rawValue) else { return nil }
        self.code = code
    }

    /// The queue was at its bound of events or bytes when the event was captured.
    public static let queueFull = DropReason(.queueFull)
    /// The backend answered that this event is not acceptable (4xx).
    public static let rejected = DropReason(.rejected)
    /// The event kept failing while others went through.
    public static let retriesExhausted = DropReason(.retriesExhausted)
    /// There is no way to send: libcurl is missing, or a transport could not start.
    public static let transportUnavailable = DropReason(.transportUnavailable)
    /// The tracker was shut down before the event could be delivered, or before it was captured.
    public static let shutdown = DropReason(.shutdown)
    /// The tracker ended, and the spool could not take the event: the disk is full, or it can't be written.
    public static let spoolFailed = DropReason(.spoolFailed)
    /// The event was on disk and had to go: the spool was at its size limit, or the event too old, or the file damaged.
    public static let spoolLimit = DropReason(.spoolLimit)
    /// The app's `beforeSend` did not want it sent.
    public static let beforeSend = DropReason(.beforeSend)
    /// The app's `beforeSend` threw.
    public static let hookFailed = DropReason(.hookFailed)
    /// The event was measured by a tracker that is enabled, and handed to one that is disabled.
    public static let disabled = DropReason(.disabled)

    /// The reasons of this version.
    public static let allCases: [DropReason] = Identity.allCases.map { DropReason($0) }

    /// The name in logs and statistics, such as `queue_full`.
    public var rawValue: String { code.rawValue }

    /// The same as `rawValue`.
    public var description: String { code.rawValue }

    var index: Int {
        switch code {
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
