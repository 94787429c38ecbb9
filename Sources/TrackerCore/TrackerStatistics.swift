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

    /// Makes statistics without any event.
    public init() {}

    /// Events that are lost, for whatever reason.
    public var droppedInAll: Int { dropped.values.reduce(0, +) }

    /// Events whose fate is open: in memory or on their way.
    public var pending: Int { queued + inFlight }

    /// One line for a log.
    public var description: String {
        var text = "captured \(captured), delivered \(delivered), retried \(retried), dropped \(droppedInAll)"
        if droppedInAll > 0 {
            let reasons = DropReason.allCases.compactMap { reason in
                dropped[reason].map { "\(reason.rawValue) \($0)" }
            }
            text += " (\(reasons.joined(separator: ", ")))"
        }
        text += ", pending \(pending), spooled \(spooled)"
        for (name, count) in [
            ("delivered for others", deliveredForOthers), ("ignored", ignored), ("sampled out", sampledOut),
            ("slow hooks", slowHooks),
        ] where count > 0 { text += ", \(name) \(count)" }
        return text
    }
}
