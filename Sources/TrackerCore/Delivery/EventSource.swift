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

    init(configuration: TrackerConfiguration, pipeline: DeliveryPipeline, log: TrackerLog) {
        self.pipeline = pipeline
        preparation = EventPreparation(configuration: configuration, pipeline: pipeline, log: log)
    }

    var identifiers: EventIdentifierGenerator { preparation.identifiers }

    var isEmpty: Bool { head == ahead.count && pipeline.queueIsEmpty }

    /// How many events wait, and since when the oldest does (wall clock).
    var waiting: (count: Int, oldest: Int64?) {
        let (count, oldest) = pipeline.waiting()
        return (count, head < ahead.count ? ahead[head]?.receivedAt : backlog.oldest ?? oldest)
    }

    /// The number of the oldest event that was encoded ahead: it is off the queue and not settled.
    var oldestAhead: UInt64? { head < ahead.count ? ahead[head]?.sequence : nil }

    /// Takes events that are to be sent, stored or given up now.
    ///
    /// - Returns: false if there was none.
    func take(_ maximum: Int, _ body: (EncodedEvent) -> Void) -> Bool {
        guard head == ahead.count else {
            let end = maximum < ahead.count - head ? head + maximum : ahead.count
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
            pipeline.setAhead(ahead.count - head)
            return true
        }
        return encode(maximum, body)
    }

    /// Whether enough waits to be worth it.
    var mayEncodeAhead: Bool { pipeline.notEncoded >= EventQueue.chunkSize }

    /// Encodes some of what waits, without sending it.
    func encodeAhead(_ maximum: Int) {
        _ = encode(maximum) { ahead.append($0) }
        pipeline.setAhead(ahead.count - head)
        DetachedThread.letOthersRun()
    }

    private func encode(_ maximum: Int, _ body: (EncodedEvent) -> Void) -> Bool {
        let (first, count) = pipeline.take(maximum, into: &backlog)
        backlog.read(count) { offset, request in
            if let event = preparation.event(of: request, sequence: first + UInt64(offset)) { body(event) }
        }
        return count > 0
    }
}
