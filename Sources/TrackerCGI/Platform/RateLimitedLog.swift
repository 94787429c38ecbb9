import TrackerCore

/// A log for lines that a hostile or broken peer can cause at any rate: at most one of a kind every ten seconds; the
/// next one says how many were suppressed.
final class RateLimitedLog: Sendable {
    private static let interval: UInt64 = 10_000_000_000
    private let rate = ThreadLock(LogRate())
    private let sink: @Sendable (String) -> Void

    init(_ sink: @escaping @Sendable (String) -> Void) {
        self.sink = sink
    }

    /// - Parameter kind: one of a few fixed words.
    func write(_ kind: String, _ text: @autoclosure () -> String) {
        let now = SystemClock.monotonicNanoseconds()
        guard let suppressed = rate.withLock({ $0.admit(kind, now: now, every: Self.interval) }) else { return }
        sink("tracker-cgi: " + text() + (suppressed > 0 ? " (\(suppressed) more like this)" : ""))
    }
}
