/// One request's worth in the spool: an event, or the lines of a batch that was tried already and keeps its key.
package struct SpoolRecord: Sendable, Equatable {
    /// What every attempt to deliver the event carries, so that a backend can tell a repetition.
    package var idempotencyKey: EventIdentifier
    /// Nanoseconds since 1970.
    package var capturedAt: UInt64
    /// The event's JSON, already filtered; or several, each ended by a line feed.
    package let body: [UInt8]
    /// How many events the body holds. JSON has no line feed inside, so they can be counted.
    package let eventCount: Int

    package init(idempotencyKey: EventIdentifier, capturedAt: UInt64, body: [UInt8]) {
        self.idempotencyKey = idempotencyKey
        self.capturedAt = capturedAt
        self.body = body
        eventCount = max(1, body.withUnsafeBytes { bytes in bytes.reduce(0) { $0 &+ ($1 == 0x0A ? 1 : 0) } })
    }
}
