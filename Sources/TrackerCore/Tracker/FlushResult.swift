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
