/// How much the spool may hold.
package struct SpoolLimits: Sendable, Equatable {
    /// All segments of the directory together, of all processes; at least 16 KiB. Beyond it the oldest segment goes.
    ///
    /// Every process looks at what the others wrote when it opens a segment, and again after each eighth of a segment,
    /// so several that write at once may be over it by that much each.
    package var maximumBytes: Int = 64 << 20
    /// One segment file; cut to a quarter of `maximumBytes` and to 2 MiB. A single larger record gets a segment alone.
    package var maximumSegmentBytes: Int = 1 << 20
    /// One event's body; cut to 1 MiB.
    package var maximumBodyBytes: Int = 1 << 20
    /// Records captured longer ago are not delivered any more.
    package var maximumAge: Duration = .seconds(24 * 60 * 60)

    package init() {}

    /// The limits as they are applied: each within what the format and the others allow.
    var effective: SpoolLimits {
        var limits = self
        limits.maximumBytes = max(16 << 10, maximumBytes)
        limits.maximumSegmentBytes = max(1 << 10, min(maximumSegmentBytes, limits.maximumBytes / 4, 2 << 20))
        limits.maximumBodyBytes = max(0, min(maximumBodyBytes, SpoolFormat.maximumBodyBytes))
        return limits
    }

    /// `maximumAge` in nanoseconds; 0 for a negative one.
    var maximumAgeNanoseconds: UInt64 {
        let (seconds, attoseconds) = maximumAge.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflows) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowsToo) = product.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return overflows || overflowsToo ? .max : sum
    }
}
