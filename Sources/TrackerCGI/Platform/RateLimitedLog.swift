import Synchronization
import TrackerCore

/// A log for lines that a hostile or broken peer can cause at any rate: at most one of a kind every ten seconds; the
/// next one says how many were left out.
final class RateLimitedLog: Sendable {
    private struct Pace: Sendable {
        var next: Int
        var leftOut = 0
    }

    private let kinds = Mutex<[String: Pace]>([:])
    private let sink: @Sendable (String) -> Void

    init(_ sink: @escaping @Sendable (String) -> Void) {
        self.sink = sink
    }

    /// - Parameter kind: one of a few fixed words.
    func write(_ kind: String, _ text: @autoclosure () -> String) {
        let now = SystemClock.milliseconds()
        let leftOut: Int? = kinds.withLock { kinds in
            if let known = kinds[kind], now < known.next {
                kinds[kind]?.leftOut += 1
                return nil
            }
            defer { kinds[kind] = Pace(next: now + 10_000) }
            return kinds[kind]?.leftOut ?? 0
        }
        guard let leftOut else { return }
        sink("tracker-cgi: " + text() + (leftOut > 0 ? " (\(leftOut) more like this)" : ""))
    }
}
