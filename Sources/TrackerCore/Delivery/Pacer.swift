/// Decides how many parcels may be in flight, from latency, failures, and the waits that the backend asks for.
///
/// While the backend responds, a window grows as long as parcels wait and responses come about as fast as before, and
/// shrinks when latency or failures increase: doubling at first, then additive increase and multiplicative decrease, as
/// in TCP's congestion control (RFC 5681). While the backend is away, one probe is sent at a time.
struct Pacer {
    /// The kind of a failed attempt, as far as it concerns the backend as a whole.
    enum Failure {
        /// It responded, and may accept the next one.
        case busy
        /// No response came.
        case unreachable
        /// It rejects the tracker as a whole.
        case refused
    }

    private let policy: TrackerConfiguration.RetryPolicy
    private var random = SystemRandomNumberGenerator()

    // MARK: The window
    private var exactWindow = Double(Limit.firstWindow)
    private var isStarting = true
    private var nextDecrease: UInt64 = 0
    /// Latencies in nanoseconds: the lowest of the current and of the last period, and the smoothed one.
    private var lowest = UInt64.max
    private var lastLowest = UInt64.max
    private var periodEnd: UInt64 = 0
    private(set) var smoothed: Double = 0
    /// The lowest latency of the current and of the last round trip. A queue at the backend delays every response; a
    /// connection in slow start, or a busy processor here, only some.
    private var roundLowest = UInt64.max
    private var lastRoundLowest = UInt64.max
    private var roundEnd: UInt64 = 0
    /// The time since which the window has been at its minimum while responses are slow; 0 if they are not.
    private var leastSince: UInt64 = 0
    /// Failure rates: of the last responses, and over the long term.
    private var recentFailures = 0.0
    private var usualFailures = 0.0

    // MARK: The outage
    /// Weighted failures since the last success.
    private var streak = 0
    private(set) var lastSuccess: UInt64?
    private var failedProbes = 0
    private(set) var awaySince: UInt64?
    /// Monotonic nanoseconds; nothing is sent before.
    private(set) var pausedUntil: UInt64 = 0
    /// The end of the wait that the backend asked for, which is always kept; the rest of a pause is our own choice.
    private var askedUntil: UInt64 = 0

    private enum Limit {
        static let firstWindow = 4
        static let longestLatency: UInt64 = 3_600_000_000_000
        static let leastWindow = 8
        /// Nanoseconds by which responses may be slower than the fastest before a queue of our own making is assumed.
        static let slack = 2_000_000.0
        static let period: UInt64 = 30_000_000_000
        /// Round trips at the minimum window after which a latency counts as the network's own.
        static let distantRounds: UInt64 = 4
        /// Weighted failures in a row after which the backend counts as away; one without a response weighs more.
        static let streak = 24
        static let unreachable = 8
        /// After this long without a success, fewer failures suffice.
        static let silence: UInt64 = 5_000_000_000
        static let silentStreak = 5
        /// The longest pause of our own while a caller waits.
        static let urgentPause: UInt64 = 250_000_000
    }

    init(policy: TrackerConfiguration.RetryPolicy) {
        self.policy = policy
    }

    var window: Int { Int(exactWindow) }
    var isAway: Bool { awaySince != nil }
    /// The smoothed latency; nil before the first response.
    var latency: Duration? { smoothed > 0 ? .nanoseconds(Int64(smoothed)) : nil }

    /// How many more parcels may be sent now.
    ///
    /// - Parameter maximum: the transport's limit.
    func room(now: UInt64, inFlight: Int, maximum: Int) -> Int {
        if now < pausedUntil { return 0 }
        if isAway { return inFlight == 0 ? 1 : 0 }
        return max(0, min(window, maximum) - inFlight)
    }

    /// Whether parcels had to wait for room in this turn.
    var isLimited = false

    // MARK: Results

    /// - Parameters:
    ///   - latency: nanoseconds.
    ///   - maximum: the transport's limit.
    /// - Returns: how long the backend was away, in nanoseconds; nil if it was not.
    mutating func succeeded(latency: UInt64, now: UInt64, maximum: Int) -> UInt64? {
        let outage = awaySince.map { now &- $0 }
        streak = 0
        lastSuccess = now
        if outage != nil {
            awaySince = nil
            failedProbes = 0
            pausedUntil = askedUntil
            exactWindow = Double(Limit.firstWindow)
            isStarting = true
            recentFailures = 0
        }
        observe(latency, now)
        observeFailure(0)
        grow(now, maximum)
        return outage
    }

    /// - Parameters:
    ///   - retryAfter: the wait that the backend asked for.
    ///   - isUrgent: whether a caller waits for events to be settled.
    mutating func failed(_ failure: Failure, retryAfter: Duration?, now: UInt64, isUrgent: Bool) {
        let wasPaused = isAway && now < pausedUntil
        if let retryAfter {
            askedUntil = max(askedUntil, now &+ min(retryAfter, policy.retryAfterCap).nanoseconds)
            pausedUntil = max(pausedUntil, askedUntil)
        }
        switch failure {
        case .busy: streak += 1
        case .unreachable: streak += Limit.unreachable
        case .refused: streak += Limit.streak
        }
        observeFailure(1)
        if recentFailures > usualFailures + 0.25 { shrink(now, by: 0.7) }
        // Until its first success, a backend is away after a single failure.
        let isSilent = lastSuccess.map { now &- $0 > Limit.silence && streak >= Limit.silentStreak } ?? true
        guard streak >= Limit.streak || isSilent else { return }
        awaySince = awaySince ?? now
        // Sent before the pause began, so it says nothing new.
        if wasPaused, failure != .refused { return }
        var pause =
            failure == .refused
            ? policy.cap.nanoseconds : policy.delay(attempt: failedProbes, retryAfter: nil, using: &random)
        if isUrgent { pause = min(pause, Limit.urgentPause) }
        failedProbes += 1
        pausedUntil = max(pausedUntil, now &+ pause)
    }

    /// Returns how long one parcel waits after its own failure, in nanoseconds.
    mutating func delay(attempts: Int, retryAfter: Duration?, isUrgent: Bool) -> UInt64 {
        let own = policy.delay(attempt: attempts - 1, retryAfter: nil, using: &random)
        let asked = retryAfter.map { min($0, policy.retryAfterCap).nanoseconds } ?? 0
        return max(asked, isUrgent ? min(own, Limit.urgentPause) : own)
    }

    /// Ends a pause because a caller waits, but not before the time that the backend asked for.
    mutating func endOwnPause() { pausedUntil = min(pausedUntil, askedUntil) }

    // MARK: The window's size

    private mutating func observe(_ latency: UInt64, _ now: UInt64) {
        // A transport of the app's own may report any latency.
        let latency = min(max(1, latency), Limit.longestLatency)
        smoothed = smoothed == 0 ? Double(latency) : smoothed * 0.9 + Double(latency) * 0.1
        if now >= roundEnd {
            lastRoundLowest = roundLowest
            roundLowest = latency
            roundEnd = now &+ UInt64(max(smoothed, 1_000_000))
        } else {
            roundLowest = min(roundLowest, latency)
        }
        if now >= periodEnd {
            lastLowest = lowest
            lowest = latency
            periodEnd = now &+ Limit.period
        } else {
            lowest = min(lowest, latency)
        }
    }

    private mutating func observeFailure(_ share: Double) {
        recentFailures += (share - recentFailures) * 0.05
        usualFailures += (share - usualFailures) * 0.002
    }

    private mutating func grow(_ now: UInt64, _ maximum: Int) {
        let fastest = Double(min(lowest, lastLowest))
        let present = Double(min(roundLowest, lastRoundLowest))
        if present > 2 * fastest + Limit.slack {
            shrink(now, by: 0.9)
            noticeDistance(now)
        } else if isLimited, present < 1.5 * fastest + Limit.slack {
            exactWindow = min(Double(maximum), exactWindow + (isStarting ? 1 : 4 / exactWindow))
        }
    }

    /// Adopts a higher base latency if responses stay slow at the minimum window: the cause is then the network, not
    /// our queue.
    private mutating func noticeDistance(_ now: UInt64) {
        guard exactWindow <= Double(Limit.leastWindow) else {
            leastSince = 0
            return
        }
        if leastSince == 0 { leastSince = now }
        guard now &- leastSince >= Limit.distantRounds * UInt64(max(smoothed, 1_000_000)) else { return }
        leastSince = 0
        lowest = min(roundLowest, lastRoundLowest)
        lastLowest = lowest
        isStarting = true
    }

    /// Shrinks the window, at most once per response time: what was in flight before says nothing new.
    private mutating func shrink(_ now: UInt64, by factor: Double) {
        guard now >= nextDecrease else { return }
        nextDecrease = now &+ UInt64(max(smoothed, 1_000_000))
        isStarting = false
        exactWindow = max(min(exactWindow, Double(Limit.leastWindow)), exactWindow * factor)
    }
}
