import CLibrary

/// The wall clock and the monotonic clock, read without a system call where the kernel allows it.
package enum SystemClock {
    /// Nanoseconds since 1970-01-01 UTC; jumps when the clock is set.
    @inline(__always)
    package static func wallNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// Nanoseconds since an arbitrary point in time; never goes back.
    @inline(__always)
    package static func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// Whether at least `time` nanoseconds lie between two readings of ``monotonicNanoseconds()``.
    ///
    /// - Parameters:
    ///   - moment: the earlier reading; if it is later than `now`, no time has passed.
    ///   - now: the later reading, for example the start of a loop's turn.
    package static func hasPassed(_ time: UInt64, since moment: UInt64, _ now: UInt64) -> Bool {
        now >= moment ? now - moment >= time : time == 0
    }

    /// Returns the reading of ``monotonicNanoseconds()`` at the end of a timeout that begins now.
    package static func deadline(after timeout: Duration) -> UInt64 {
        monotonicNanoseconds() &+ timeout.nanoseconds
    }

    /// ``wallNanoseconds()``, but never negative: 0 if the system's clock is set before 1970.
    @Sendable
    package static func epochNanoseconds() -> UInt64 {
        UInt64(max(0, wallNanoseconds()))
    }
}

extension Duration {
    /// Whole nanoseconds, clamped to `0...Int64.max`.
    package var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, tooLarge) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return overflow || tooLarge ? UInt64(Int64.max) : min(sum, UInt64(Int64.max))
    }
}

extension SystemClock {
    /// Milliseconds since an arbitrary point in time; never goes back.
    package static func milliseconds() -> Int {
        Int(truncatingIfNeeded: monotonicNanoseconds() / 1_000_000)
    }
}

extension Duration {
    /// Whole milliseconds, clamped to the range from 0 to one day.
    package var boundedMilliseconds: Int {
        Int(clamping: min(nanoseconds / 1_000_000, 86_400_000))
    }
}
