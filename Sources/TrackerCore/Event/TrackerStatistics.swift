/// The counts of a tracker's events so far, by outcome. At any time
/// `captured == delivered + spooled + all of dropped + pending`.
public struct TrackerStatistics: Sendable, Equatable, CustomStringConvertible {
    /// Requests measured, whatever the outcome of their events.
    public var captured: Int = 0
    /// Events accepted by the backend.
    public var delivered: Int = 0
    /// Repeated attempts, counted per event: ten events sent three times count 20.
    public var retried: Int = 0
    /// Events dropped, by reason; reasons without events are left out.
    public var dropped: [DropReason: Int] = [:]
    /// Events waiting in memory to be sent or retried.
    public var queued: Int = 0
    /// Events in flight that are in memory only.
    public var inFlight: Int = 0
    /// Events that this tracker wrote to disk and has not delivered since: they wait there, or another process has
    /// taken them over.
    public var spooled: Int = 0
    /// Events that this tracker delivered for another process or an earlier run, which had left them on disk. Not part
    /// of the sum above.
    public var deliveredForOthers: Int = 0
    /// Events that another process or an earlier run had left on disk and that this tracker dropped: over the spool's
    /// limits of size and age, or rejected by the backend. Not part of the sum above.
    public var droppedForOthers: Int = 0

    /// Requests not tracked because of an ``IgnoreRule`` or a visitor's opt-out; not captured.
    public var ignored: Int = 0
    /// Requests whose session is not sampled; not captured.
    public var sampledOut: Int = 0
    /// Calls of `beforeSend` that took more than 50 ms.
    public var slowHooks: Int = 0
    /// Events that were too costly to filter precisely, so that the filter replaced more than necessary; they have
    /// `"truncated": true`.
    public var filterLimits: Int = 0

    /// The current state of the connection to the backend.
    public var backend = Backend()
    /// Damaged records and foreign files found in the spool. Not part of the sum above.
    public var spoolDamage = SpoolDamage()

    /// The state of the connection to the backend at one moment.
    public struct Backend: Sendable, Equatable {
        /// The current limit on concurrent requests. It adapts to latency and failures.
        public var window = 0
        /// Requests in flight.
        public var inFlight = 0
        /// The time from a request to its response, smoothed over recent responses; nil before the first.
        public var latency: Duration?
        /// Open connections.
        public var connections = 0
        /// The protocol of the last response, such as `HTTP/1.1` or `HTTP/2`; nil before the first, and for other
        /// transports.
        public var httpVersion: String?
        /// Whether the backend counts as unavailable: connections fail, or nearly all recent requests failed. Only one
        /// probe is then sent at a time.
        public var isAway = false

        /// Creates an empty state.
        public init() {}
    }

    /// Records and files that could not be delivered because of their content, since the tracker started.
    public struct SpoolDamage: Sendable, Equatable {
        /// Records cut short by a process that was killed while writing.
        public var tornRecords = 0
        /// Records that were written completely and are unreadable now.
        public var corruptRecords = 0
        /// Files named like a segment that are not one: other content, another version, or too large.
        public var foreignFiles = 0

        /// Creates counts of zero.
        public init() {}

        var isEmpty: Bool { self == SpoolDamage() }
    }

    /// Creates statistics without events.
    public init() {}

    /// Events dropped, for any reason.
    public var totalDropped: Int { dropped.values.reduce(0, +) }

    /// Events not settled yet: waiting in memory or in flight.
    public var pending: Int { queued + inFlight }

    /// One line for a log.
    public var description: String {
        var text = "captured \(captured), delivered \(delivered), retried \(retried), dropped \(totalDropped)"
        if totalDropped > 0 {
            let reasons = DropReason.allCases.compactMap { reason in
                dropped[reason].map { "\(reason.rawValue) \($0)" }
            }
            text += " (\(reasons.joined(separator: ", ")))"
        }
        text += ", pending \(pending), spooled \(spooled)"
        for (name, count) in [
            ("delivered for others", deliveredForOthers), ("dropped for others", droppedForOthers),
            ("ignored", ignored), ("sampled out", sampledOut),
            ("slow hooks", slowHooks), ("filter limits", filterLimits), ("torn records", spoolDamage.tornRecords),
            ("corrupt records", spoolDamage.corruptRecords), ("foreign files", spoolDamage.foreignFiles),
        ] where count > 0 { text += ", \(name) \(count)" }
        return text
    }
}

/// The result of a call of `flush` or `shutdown`: the counts of events by outcome.
public struct FlushResult: Sendable, Equatable {
    /// Events delivered during the call.
    public var delivered: Int
    /// The increase of ``TrackerStatistics/spooled`` during the call; negative if spooled events were delivered.
    public var spooled: Int
    /// Events dropped during the call; ``Tracker/statistics`` has the reasons.
    public var dropped: Int
    /// Events still waiting in memory or in flight.
    public var pending: Int

    /// Creates a result, for tests of an app.
    public init(delivered: Int = 0, spooled: Int = 0, dropped: Int = 0, pending: Int = 0) {
        self.delivered = delivered
        self.spooled = spooled
        self.dropped = dropped
        self.pending = pending
    }

    init(from before: TrackerStatistics, to after: TrackerStatistics) {
        self.init(
            delivered: after.delivered - before.delivered, spooled: after.spooled - before.spooled,
            dropped: after.totalDropped - before.totalDropped, pending: after.pending)
    }

    /// Whether nothing is pending, so that everything captured before the call is settled.
    public var isComplete: Bool { pending == 0 }
}

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
