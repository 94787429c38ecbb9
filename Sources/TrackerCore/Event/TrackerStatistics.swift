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
