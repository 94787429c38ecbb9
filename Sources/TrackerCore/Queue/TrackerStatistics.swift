/// What became of the events so far. At every moment
/// `captured == delivered + spooled + all of dropped + pending`.
public struct TrackerStatistics: Sendable, Equatable, CustomStringConvertible {
    /// Requests that were measured, whatever became of their events.
    public var captured: Int = 0
    /// Events that the backend has.
    public var delivered: Int = 0
    /// Sendings after the first, in events.
    public var retried: Int = 0
    /// Events that are lost, by reason; reasons without an event are left out.
    public var dropped: [DropReason: Int] = [:]
    /// Events that wait in memory.
    public var queued: Int = 0
    /// Events that are being sent, or wait to be sent again.
    public var inFlight: Int = 0
    /// Events that this tracker wrote to disk and has not delivered itself since: they wait there, or another process
    /// has taken them over.
    public var spooled: Int = 0
    /// Events that another process, or an earlier run, had left on disk and this tracker delivered. Not a part of the
    /// sum above.
    public var deliveredForOthers: Int = 0

    /// Requests that an ``IgnoreRule`` or a visitor's opt-out kept from being tracked; not captured.
    public var ignored: Int = 0
    /// Requests whose session is not in the sample; not captured.
    public var sampledOut: Int = 0
    /// Calls of `beforeSend` that took more than 50 ms.
    public var slowHooks: Int = 0
    /// Events of which the filter replaced more than it had to, because they were made to cost it too much; they say
    /// `"truncated": true`.
    public var filterLimits: Int = 0

    /// What delivery knows of the backend at the moment.
    public var backend = Backend()
    /// What was found damaged or foreign in the spool's directory. Not a part of the sum above.
    public var spoolDamage = SpoolDamage()

    /// How the way to the backend looks at a moment.
    public struct Backend: Sendable, Equatable {
        /// How many requests may be under way at once now. It follows latency and failures.
        public var window = 0
        /// Requests under way.
        public var inFlight = 0
        /// The time from a request to its answer, smoothed over the last answers; nil before the first.
        public var latency: Duration?
        /// Open connections.
        public var connections = 0
        /// The protocol of the last answer, such as `HTTP/1.1` or `HTTP/2`; nil before the first, and for other
        /// transports.
        public var httpVersion: String?
        /// Whether connections fail, or nearly all requests of late have failed: then one probe is sent at a time.
        public var isAway = false

        /// Makes a state in which nothing is known.
        public init() {}
    }

    /// Records and files that could not be delivered because of what they hold, since the tracker began.
    public struct SpoolDamage: Sendable, Equatable {
        /// Records cut short, by a process that was killed while it wrote one.
        public var tornRecords = 0
        /// Records that were written whole and are unreadable now.
        public var corruptRecords = 0
        /// Files that have a segment's name, and are none: other contents, another version, or too large.
        public var foreignFiles = 0

        /// Makes a count of nothing.
        public init() {}

        var isEmpty: Bool { self == SpoolDamage() }
    }

    /// Makes statistics without any event.
    public init() {}

    /// Events that are lost, for whatever reason.
    public var totalDropped: Int { dropped.values.reduce(0, +) }

    /// Events whose fate is open: in memory or on their way.
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
            ("delivered for others", deliveredForOthers), ("ignored", ignored), ("sampled out", sampledOut),
            ("slow hooks", slowHooks), ("filter limits", filterLimits), ("torn records", spoolDamage.tornRecords),
            ("corrupt records", spoolDamage.corruptRecords), ("foreign files", spoolDamage.foreignFiles),
        ] where count > 0 { text += ", \(name) \(count)" }
        return text
    }
}

/// What became of events between the call of `flush` or `shutdown` and its end.
public struct FlushResult: Sendable, Equatable {
    /// Events that the backend took since the call.
    public var delivered: Int
    /// Events that were written to disk since the call.
    public var spooled: Int
    /// Events that were lost since the call; ``Tracker/statistics`` has the reasons.
    public var dropped: Int
    /// Events that still wait in memory or are on their way.
    public var pending: Int

    /// Makes a result, for tests of what an app does with one.
    public init(delivered: Int = 0, spooled: Int = 0, dropped: Int = 0, pending: Int = 0) {
        self.delivered = delivered
        self.spooled = spooled
        self.dropped = dropped
        self.pending = pending
    }

    /// Whether everything that was captured before the call is settled.
    public var isComplete: Bool { pending == 0 }
}
