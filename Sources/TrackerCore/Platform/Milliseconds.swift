extension SystemClock {
    /// Milliseconds since an arbitrary moment; never goes back.
    package static func milliseconds() -> Int {
        Int(truncatingIfNeeded: monotonicNanoseconds() / 1_000_000)
    }
}

extension Duration {
    /// Whole milliseconds, from 0 to a day.
    package var boundedMilliseconds: Int {
        Int(clamping: min(nanoseconds / 1_000_000, 86_400_000))
    }
}
