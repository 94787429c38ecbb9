/// The reason why an event was dropped. Every drop has one.
///
/// A later version may add reasons, so a `switch` over them needs a `default`.
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

    /// Creates the reason with this `rawValue`; nil if there is none.
    public init?(rawValue: String) {
        guard let code = Identity(rawValue: rawValue) else { return nil }
        self.code = code
    }

    /// The queue was at its limit of events or bytes when the event was captured.
    public static let queueFull = DropReason(.queueFull)
    /// The backend rejected the event itself: 400, 413, 415, 422, or another 4xx that concerns neither the settings nor
    /// the load.
    public static let rejected = DropReason(.rejected)
    /// The event kept failing while others were delivered.
    public static let retriesExhausted = DropReason(.retriesExhausted)
    /// Nothing can be sent: libcurl is missing, or a transport could not start.
    public static let transportUnavailable = DropReason(.transportUnavailable)
    /// The tracker was shut down before the event was delivered or captured.
    public static let shutdown = DropReason(.shutdown)
    /// The tracker shut down, and the spool could not take the event: the disk is full or not writable.
    public static let spoolFailed = DropReason(.spoolFailed)
    /// The event was removed from the spool: the spool was at its size limit, the event too old, or its file damaged.
    public static let spoolLimit = DropReason(.spoolLimit)
    /// The app's `beforeSend` returned false.
    public static let beforeSend = DropReason(.beforeSend)
    /// The app's `beforeSend` threw.
    public static let hookFailed = DropReason(.hookFailed)
    /// The event was measured by an enabled tracker and handed to a disabled one.
    public static let disabled = DropReason(.disabled)

    /// All reasons of this version.
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
