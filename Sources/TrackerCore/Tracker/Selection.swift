/// Which requests become events. Made once from the configuration; asked while requests are served.
struct Selection: Sendable {
    private let rules: [IgnoreRule]
    private let honorsOptOut: Bool
    /// Sessions whose number is below are kept; nil: all.
    private let threshold: UInt64?
    private let rate: Double
    private let keepsServerErrors: Bool

    /// - Returns: nil if every request becomes an event.
    init?(_ configuration: TrackerConfiguration) {
        rules = configuration.ignore
        honorsOptOut = configuration.honorsDoNotTrack
        rate = min(1, max(0, configuration.sampleRate))
        threshold = rate < 1 ? UInt64(rate * 9_007_199_254_740_992) : nil
        keepsServerErrors = configuration.keepsServerErrors
        if rules.isEmpty, !honorsOptOut, threshold == nil { return nil }
    }

    /// Whether the request is not to be tracked, and its visitor gets no cookie.
    func ignores(_ snapshot: RequestSnapshot) -> Bool {
        for rule in rules where rule.isMatch(snapshot) { return true }
        guard honorsOptOut else { return false }
        return snapshot.headers.fields.contains { field in
            field.value == "1"
                && (RequestHeaders.isEqual(field.name, "dnt") || RequestHeaders.isEqual(field.name, "sec-gpc"))
        }
    }

    /// How many requests the event of this one stands for; nil: there is none. All requests of a session have the same
    /// fate, but for server errors if they are kept.
    func weight(session: SessionIdentifier, status: Int) -> Double? {
        guard let threshold else { return 1 }
        if keepsServerErrors, status >= 500 { return 1 }
        // Mixed, because a client may choose its own id, but must not choose whether it is seen.
        let mixed = (session.low ^ session.high &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        return (mixed ^ mixed >> 32) >> 11 < threshold ? 1 / rate : nil
    }

    /// Whether events have to say how many requests they stand for.
    var samples: Bool { threshold != nil }
}
