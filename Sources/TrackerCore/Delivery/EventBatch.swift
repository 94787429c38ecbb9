/// Events as lines, one block of memory from the encoder to the wire.
struct EventBatch {
    /// What is known of an event besides its bytes.
    private struct Line {
        let sequence: UInt64
        /// nil for an event that has no name of its own yet, because it was to travel under the batch's.
        let identifier: EventIdentifier?
        let receivedAt: Int64
        let queueBytes: Int
        /// Where the event's bytes end; a line feed follows.
        let end: Int
    }

    /// The JSON of all events, each with a line feed after it.
    private(set) var bytes: [UInt8] = []
    private var lines: [Line] = []
    /// What all events count against the queue's bound.
    private(set) var queueBytes = 0

    init(_ events: some Collection<EncodedEvent> = []) {
        reserve(events: events.count, bytes: events.reduce(0) { $0 + $1.body.count + 1 })
        for event in events { append(event) }
    }

    var count: Int { lines.count }
    var isEmpty: Bool { lines.isEmpty }
    /// The number of the oldest event.
    var sequence: UInt64 { lines.first?.sequence ?? .max }
    /// When the oldest event was received.
    var receivedAt: Int64 { lines.first?.receivedAt ?? 0 }

    mutating func reserve(events: Int, bytes: Int) {
        lines.reserveCapacity(events)
        self.bytes.reserveCapacity(bytes)
    }

    mutating func append(_ event: EncodedEvent) {
        append(
            sequence: event.sequence, identifier: event.identifier, receivedAt: event.receivedAt,
            queueBytes: event.queueBytes
        ) { $0.append(contentsOf: event.body) }
    }

    /// - Parameter write: appends the event's bytes.
    @inline(__always)
    mutating func append(
        sequence: UInt64, identifier: EventIdentifier? = nil, receivedAt: Int64, queueBytes: Int,
        _ write: (inout [UInt8]) -> Void
    ) {
        write(&bytes)
        lines.append(
            Line(
                sequence: sequence, identifier: identifier, receivedAt: receivedAt, queueBytes: queueBytes,
                end: bytes.count))
        self.queueBytes += queueBytes
        bytes.append(UInt8(ascii: "\n"))
    }

    /// The events one by one.
    ///
    /// - Parameter identifiers: names those that have no name of their own.
    func events(_ identifiers: EventIdentifierGenerator) -> [EncodedEvent] {
        var start = 0
        return lines.map { line in
            defer { start = line.end + 1 }
            return EncodedEvent(
                sequence: line.sequence, identifier: line.identifier ?? identifiers.next(),
                receivedAt: line.receivedAt, body: Array(bytes[start..<line.end]), queueBytes: line.queueBytes)
        }
    }
}
