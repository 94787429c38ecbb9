/// What the tracker knows of its backend: one state for all events, so that an outage is felt once and not once per
/// event.
struct BackendHealth {
    private let policy: RetryPolicy
    private var random = SystemRandomNumberGenerator()
    /// Failures in a row; several requests that fail together count once.
    private(set) var failures = 0
    /// Monotonic nanoseconds; nothing is sent before.
    private(set) var pausedUntil: UInt64 = 0
    /// What the backend asked for must be waited out; the rest of a pause is our own politeness.
    private var askedUntil: UInt64 = 0
    private(set) var downSince: UInt64?

    init(policy: RetryPolicy) {
        self.policy = policy
    }

    var isDown: Bool { downSince != nil }

    /// How many payloads may be under way now: none in a pause, then a single probe until one succeeds.
    func allowance(now: UInt64, maximum: Int) -> Int {
        if now < pausedUntil { return 0 }
        return isDown ? 1 : maximum
    }

    /// - Parameters:
    ///   - retryAfter: what the backend asked for.
    ///   - toTheCap: wait as long as the policy ever does.
    mutating func failed(now: UInt64, retryAfter: Duration?, toTheCap: Bool) {
        let delay: UInt64
        if toTheCap {
            delay = policy.cap.nanoseconds
        } else if isDown, now < pausedUntil, retryAfter == nil {
            // Sent before the pause began: it tells nothing new.
            return
        } else {
            delay = policy.delay(attempt: failures, retryAfter: retryAfter, using: &random)
        }
        if now >= pausedUntil || !isDown { failures += 1 }
        downSince = downSince ?? now
        pausedUntil = max(pausedUntil, now &+ delay)
        if let retryAfter { askedUntil = max(askedUntil, now &+ min(retryAfter, policy.retryAfterCap).nanoseconds) }
    }

    /// - Returns: how long the backend was away, if it was.
    mutating func succeeded(now: UInt64) -> UInt64? {
        defer {
            failures = 0
            pausedUntil = 0
            askedUntil = 0
            downSince = nil
        }
        return downSince.map { now &- $0 }
    }

    /// Somebody waits: try now, unless the backend itself asked for patience.
    mutating func hurry() {
        pausedUntil = min(pausedUntil, askedUntil)
    }
}
