/// The value of `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// - Parameters:
    ///   - value: the header's value.
    ///   - now: nanoseconds since 1970-01-01 UTC.
    /// - Returns: nil if it can't be read; a date that has passed is no wait at all.
    static func parse(_ value: String, now: Int64) -> Duration? {
        let text = value.trimmingSpaces()
        guard !text.isEmpty else { return nil }
        if text.utf8.allSatisfy(ASCII.isDigit) {
            // More digits than fit mean "very long"; the caller's cap decides.
            return .seconds(Int64(text).map { min($0, 1 << 31) } ?? 1 << 31)
        }
        guard let date = HTTPDate.parse(text) else { return nil }
        return .seconds(max(0, date - now / 1_000_000_000))
    }
}
