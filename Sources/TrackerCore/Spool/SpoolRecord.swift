/// A parcel as the spool keeps it: an event, or several as lines, and the key that they keep for life.
package struct SpoolRecord: Sendable, Equatable {
    package let key: ParcelKey
    /// When the oldest event was captured, in nanoseconds since 1970.
    package let capturedAt: UInt64
    /// The event's JSON, already filtered; or several, each ended by a line feed.
    package let body: [UInt8]
    /// How many events the body holds. JSON has no line feed inside, so they can be counted.
    package let eventCount: Int

    package init(key: ParcelKey, capturedAt: UInt64, body: [UInt8]) {
        self.key = key
        self.capturedAt = capturedAt
        self.body = body
        eventCount = max(1, body.withUnsafeBytes { bytes in bytes.reduce(0) { $0 &+ ($1 == 0x0A ? 1 : 0) } })
    }
}
