/// An event as bytes, on its way.
struct EncodedEvent {
    /// Its number in the order in which events were taken off the queue.
    let sequence: UInt64
    let identifier: EventIdentifier
    /// Nanoseconds since 1970-01-01 UTC.
    let receivedAt: Int64
    let body: [UInt8]
    /// What the event counts against the queue's bound.
    let queueBytes: Int
}

/// One payload with what is needed to send it again.
struct Delivery {
    let events: [EncodedEvent]
    let identifier: UInt64
    /// Stays the same over all attempts.
    let idempotencyKey: String
    var attempts = 0
    /// How many payloads had been delivered when this one failed first.
    var deliveriesAtFirstFailure = 0

    var sequence: UInt64 { events.first?.sequence ?? .max }
    var queueBytes: Int { events.reduce(0) { $0 + $1.queueBytes } }

    var payload: DeliveryPayload {
        if events.count == 1, let event = events.first {
            return DeliveryPayload(
                identifier: identifier, body: event.body, contentType: DeliveryPayload.jsonType,
                idempotencyKey: idempotencyKey, eventCount: 1)
        }
        var lines: [UInt8] = []
        lines.reserveCapacity(events.reduce(0) { $0 + $1.body.count + 1 })
        for event in events {
            lines.append(contentsOf: event.body)
            lines.append(UInt8(ascii: "\n"))
        }
        return DeliveryPayload(
            identifier: identifier, body: lines, contentType: DeliveryPayload.linesType,
            idempotencyKey: idempotencyKey, eventCount: events.count)
    }
}
