import Testing
import TrackerCore

@Suite("A duration in nanoseconds")
struct SystemClockTests {
    @Test(
        "is whole, not negative, and at most that of 64 bits",
        arguments: [
            (.zero, 0), (.seconds(-1), 0), (.nanoseconds(-1), 0), (.nanoseconds(7), 7), (.seconds(2), 2_000_000_000),
            (Duration(secondsComponent: 1, attosecondsComponent: 2_999_999_999), 1_000_000_002),
            (.nanoseconds(Int64.max), UInt64(Int64.max)), (.seconds(9_223_372_037), UInt64(Int64.max)),
            // The product and the sum overflow; wrapped around, they would be close to zero.
            (.seconds(1 << 55), UInt64(Int64.max)), (.seconds(Int64.max), UInt64(Int64.max)),
            (.seconds(18_446_744_073) + .milliseconds(900), UInt64(Int64.max)),
        ] as [(Duration, UInt64)])
    func nanoseconds(duration: Duration, expected: UInt64) {
        #expect(duration.nanoseconds == expected)
    }
}
