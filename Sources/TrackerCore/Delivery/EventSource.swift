/// What is to be sent next, in the order captured: first the events that were encoded ahead, then those of the queue.
/// Used by the delivery thread alone.
///
/// While nothing can be sent, events are encoded all the same: as JSON they take less memory than as a request with all
/// its fields, and let go of what the app may have tied to it.
final class EventSource {
    private let pipeline: DeliveryPipeline
    private let preparation: EventPreparation
    private var backlog = EventBacklog()
    private var ahead: [EncodedEvent?] = []
    /// Where the oldest event that was encoded ahead stands; the places before it are empty.
    private var head = 0
    /// The average of the last batch; the next one's is a good guess for how much room it needs.
    private var bytesPerEvent = 1_024

    init(configuration: TrackerConfiguration, pipeline: DeliveryPipeline, log: TrackerLog) {
        self.pipeline = pipeline
        preparation = EventPreparation(configuration: configuration, pipeline: pipeline, log: log)
    }

    var identifiers: EventIdentifierGenerator { preparation.identifiers }

    var isEmpty: Bool { head == ahead.count && pipeline.notEncoded == 0 }

    /// The number of the oldest event that was encoded ahead: it is off the queue and not settled.
    var oldestAhead: UInt64? { head < ahead.count ? ahead[head]?.sequence : nil }

    /// Takes events that are to be sent, stored or given up now.
    ///
    /// - Returns: false if there was none.
    func take(_ maximum: Int, _ body: (EncodedEvent) -> Void) -> Bool {
        guard head == ahead.count else {
            let end = maximum < ahead.count - head ? head + maximum : ahead.count
            // First, because what is handed on may be settled at once.
            pipeline.setAhead(ahead.count - end)
            while head < end {
                let event = ahead[head].take()
                head += 1
                if let event { body(event) }
            }
            if head == ahead.count {
                ahead.removeAll(keepingCapacity: ahead.count <= EventQueue.chunkSize)
                head = 0
            } else if head >= 1024, head * 2 > ahead.count {
                ahead.removeFirst(head)
                head = 0
            }
            return true
        }
        return encode(maximum) { sequence, request in
            if let event = preparation.event(of: request, sequence: sequence) { body(event) }
        }
    }

    // MARK: Batches

    /// Takes a batch of events that are to be sent now, if enough wait or they waited long enough.
    ///
    /// - Parameter isHurried: whether somebody waits for them.
    func batch(isHurried: Bool) -> EventBatch? {
        let (count, oldest) = waiting
        guard count > 0, let oldest else { return nil }
        let age = SystemClock.wallNanoseconds() - oldest
        guard count >= DeliveryLimit.linesPerBatch || isHurried || age < 0 || age >= DeliveryLimit.gathering else {
            return nil
        }
        var batch = EventBatch()
        let expected = min(count, DeliveryLimit.linesPerBatch)
        batch.reserve(events: expected, bytes: expected * (bytesPerEvent + bytesPerEvent / 16))
        // Few at a time, so that a batch of large events does not grow far beyond its bound.
        while batch.count < DeliveryLimit.linesPerBatch, batch.bytes.count < DeliveryLimit.bytesPerBatch {
            // A whole batch takes most of a millisecond, for which a request may be waiting for this processor. But who
            // lets others go first too often gets too little done, and a queue that fills would overflow.
            if !isHurried, !batch.isEmpty, !pipeline.isFilling { DetachedThread.letOthersRun() }
            guard take(min(DeliveryLimit.encodedAtOnce, DeliveryLimit.linesPerBatch - batch.count), into: &batch)
            else { break }
        }
        guard !batch.isEmpty else { return nil }
        bytesPerEvent = min(batch.bytes.count / batch.count, DeliveryLimit.bytesPerBatch / DeliveryLimit.linesPerBatch)
        return batch
    }

    /// How many events wait, and since when the oldest does (wall clock).
    private var waiting: (count: Int, oldest: Int64?) {
        let (count, oldest) = pipeline.waiting()
        return (count, head < ahead.count ? ahead[head]?.receivedAt : backlog.oldest ?? oldest)
    }

    private func take(_ maximum: Int, into batch: inout EventBatch) -> Bool {
        guard head == ahead.count else { return take(maximum) { batch.append($0) } }
        return encode(maximum) { sequence, request in preparation.append(request, sequence: sequence, to: &batch) }
    }

    // MARK: Ahead

    /// Whether enough waits to be worth it.
    var mayEncodeAhead: Bool { pipeline.notEncoded >= EventQueue.chunkSize }

    /// Encodes some of what waits, without sending it.
    func encodeAhead(_ maximum: Int) {
        _ = encode(maximum) { sequence, request in
            if let event = preparation.event(of: request, sequence: sequence) { ahead.append(event) }
        }
        pipeline.setAhead(ahead.count - head)
        DetachedThread.letOthersRun()
    }

    private func encode(_ maximum: Int, _ body: (UInt64, borrowing TrackedRequest) -> Void) -> Bool {
        let (first, count) = pipeline.take(maximum, into: &backlog)
        backlog.read(count) { offset, request in body(first + UInt64(offset), request) }
        return count > 0
    }
}
