extension TrackerConfiguration {
    /// How long to wait before trying a delivery again.
    ///
    /// Full jitter: uniform in `0...min(cap, base * 2^attempt)`, so that a fleet does not come back in step after an
    /// outage. What a server asks for (`Retry-After`; RFC 9110, section 10.2.3) is a lower bound.
    public struct RetryPolicy: Sendable, Equatable {
        /// The bound of the first wait.
        public var base: Duration = .seconds(1)
        /// The bound of every wait.
        public var cap: Duration = .seconds(60)
        /// The longest wait that a server may ask for.
        public var retryAfterCap: Duration = .seconds(300)

        /// The default policy.
        public init() {}

        /// - Parameters:
        ///   - attempt: 0 for the first retry.
        ///   - retryAfter: what the server asked for, if it did.
        func delay(attempt: Int, retryAfter: Duration?, using random: inout some RandomNumberGenerator) -> UInt64 {
            let base = max(1, base.nanoseconds)
            let cap = max(1, cap.nanoseconds)
            let shift = min(max(attempt, 0), 32)
            let (scaled, overflow) = base.multipliedReportingOverflow(by: 1 << UInt64(shift))
            let jittered = UInt64.random(in: 0...(overflow ? cap : min(cap, scaled)), using: &random)
            guard let retryAfter else { return jittered }
            return max(jittered, min(retryAfter, retryAfterCap).nanoseconds)
        }
    }
}
