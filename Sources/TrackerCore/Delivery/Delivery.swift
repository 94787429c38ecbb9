/// An event as bytes, on its way.
struct EncodedEvent {
    /// Its number in the order in which events were taken off the queue; the highest for one from the spool, for which
    /// nobody waits.
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
    let content: Content
    let identifier: UInt64
    /// Stays the same over all attempts, and in the spool.
    let idempotencyKey: EventIdentifier
    /// Where the payload came from, if not from the queue.
    var spoolPart: SpoolPart?
    var attempts = 0
    /// Failures between which others went through: it is the payload then that is at fault, and not the backend.
    var ownFailures = 0
    /// How many payloads had been delivered when this one failed last.
    var deliveriesAtLastFailure = 0

    enum Content {
        case event(EncodedEvent)
        case batch(EventBatch)
        /// A batch as it was written to the spool.
        case lines([UInt8], eventCount: Int)
    }

    var sequence: UInt64 {
        switch content {
        case .event(let event): event.sequence
        case .batch(let batch): batch.sequence
        case .lines: .max
        }
    }

    var eventCount: Int {
        switch content {
        case .event: 1
        case .batch(let batch): batch.count
        case .lines(_, let count): count
        }
    }

    var queueBytes: Int {
        switch content {
        case .event(let event): event.queueBytes
        case .batch(let batch): batch.queueBytes
        case .lines: 0
        }
    }

    var body: [UInt8] {
        switch content {
        case .event(let event): event.body
        case .batch(let batch): batch.bytes
        case .lines(let bytes, _): bytes
        }
    }

    private var isSingle: Bool {
        if case .event = content { true } else { false }
    }

    var payload: DeliveryPayload {
        DeliveryPayload(
            identifier: identifier, body: body,
            contentType: isSingle ? DeliveryPayload.jsonType : DeliveryPayload.linesType,
            key: idempotencyKey, eventCount: eventCount)
    }

    /// The payload as the spool keeps it.
    ///
    /// An event that was sent already ends with a line feed there: the backend may have it, so it must be sent alone
    /// again, under its own key.
    var record: SpoolRecord {
        let receivedAt: Int64 =
            switch content {
            case .event(let event): event.receivedAt
            case .batch(let batch): batch.receivedAt
            case .lines: SystemClock.wallNanoseconds()
            }
        return SpoolRecord(
            idempotencyKey: idempotencyKey, capturedAt: UInt64(max(0, receivedAt)),
            body: isSingle && attempts > 0 ? body + [UInt8(ascii: "\n")] : body)
    }

    /// The events one by one, so that a batch can be halved.
    func events(_ identifiers: EventIdentifierGenerator) -> [EncodedEvent] {
        switch content {
        case .event(let event): [event]
        case .batch(let batch): batch.events(identifiers)
        case .lines(let bytes, _):
            bytes.split(separator: UInt8(ascii: "\n")).map { line in
                EncodedEvent(
                    sequence: .max, identifier: identifiers.next(), receivedAt: SystemClock.wallNanoseconds(),
                    body: Array(line), queueBytes: 0)
            }
        }
    }
}
