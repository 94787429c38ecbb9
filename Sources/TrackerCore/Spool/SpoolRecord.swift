/// One event in the spool.
package struct SpoolRecord: Sendable, Equatable {
    /// What every attempt to deliver the event carries, so that a backend can tell a repetition.
    package var idempotencyKey: EventIdentifier
    /// Nanoseconds since 1970.
    package var capturedAt: UInt64
    /// The event's JSON, already filtered.
    package var body: [UInt8]

    package init(idempotencyKey: EventIdentifier, capturedAt: UInt64, body: [UInt8]) {
        self.idempotencyKey = idempotencyKey
        self.capturedAt = capturedAt
        self.body = body
    }
}
