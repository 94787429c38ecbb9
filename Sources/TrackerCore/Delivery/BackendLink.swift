/// The transport's session, opened on first use; a failed open is retried.
final class BackendLink {
    private let transport: any EventTransport
    private let log: TrackerLog
    private var session: (any TransportSession)?
    private var nextOpening: UInt64 = 0
    private var lastOpening: UInt64 = 0
    private var failures = 0
    private var mayBeConnected = false
    /// When opening failed for the first time, in monotonic nanoseconds.
    private var unavailableSince: UInt64?

    private enum Limit {
        /// The pause after a failed open, doubled with each further one up to `longestPause`.
        static let pause: UInt64 = 500_000_000
        static let longestPause: UInt64 = 60_000_000_000
        /// After failing for this long, opening counts as hopeless, and events are dropped unless there is a spool.
        static let patience: UInt64 = 5_000_000_000
        static let idle: UInt64 = 60_000_000_000
    }

    init(transport: any EventTransport, log: TrackerLog) {
        self.transport = transport
        self.log = log
    }

    /// - Parameter isUrgent: whether to retry even right after a failure.
    /// - Returns: whether there is a session.
    func open(now: UInt64, isUrgent: Bool) -> Bool {
        if session != nil { return true }
        // One attempt per turn.
        guard now >= nextOpening || isUrgent && now != lastOpening else { return false }
        lastOpening = now
        do {
            session = try transport.open()
            return true
        } catch {
            unavailableSince = unavailableSince ?? now
            nextOpening = now &+ min(Limit.pause << UInt64(min(failures, 8)), Limit.longestPause)
            failures += 1
            log.write(.error, topic: "transport", "\(error)")
            return false
        }
    }

    /// Whether waiting for the transport has become pointless.
    func hasGivenUp(now: UInt64) -> Bool { unavailableSince.map { now &- $0 >= Limit.patience } ?? false }

    /// The session's limit, capped because a parcel's place in flight is a 16-bit number.
    var maximumInFlight: Int { min(session?.maximumInFlight ?? 1, 1 << 16) }
    var connections: TransportConnections { session?.connections ?? TransportConnections() }

    func start(_ parcel: Parcel, number: UInt64) {
        mayBeConnected = true
        session?.start(parcel.payload(number))
    }

    /// - Parameter limit: nanoseconds.
    func wait(atMost limit: UInt64) -> [DeliveryCompletion] {
        session?.wait(atMost: .nanoseconds(Int64(clamping: limit))) ?? []
    }

    /// Closes connections unused for a minute.
    ///
    /// - Returns: when to call again; nil if there is nothing to close.
    func closeIdleConnections(unusedSince: UInt64, now: UInt64) -> UInt64? {
        guard mayBeConnected else { return nil }
        guard now &- unusedSince >= Limit.idle else { return unusedSince + Limit.idle }
        session?.closeIdleConnections()
        mayBeConnected = false
        return nil
    }

    func cancel() { session?.cancel() }
}
