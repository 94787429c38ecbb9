/// The delivery thread's dealings with the spool: what goes there from memory, and what comes back to be delivered.
final class SpoolFeed {
    private let spool: Spool
    private let pipeline: DeliveryPipeline
    private let log: TrackerLog
    private var segment: SpoolSegmentInHand?
    private var nextLook: UInt64 = 0
    /// Whether something was written since the last look.
    private var hasStored = false
    private var knownLosses = 0

    private enum Limit {
        /// How often the directory is looked at for what other processes left there.
        static let look: UInt64 = 5_000_000_000
        static let recordsPerAppend = 256
    }

    /// - Returns: nil if no directory is configured, or it can't be used; then the log says why.
    init?(configuration: TrackerConfiguration, pipeline: DeliveryPipeline, log: TrackerLog) {
        guard let directory = configuration.spoolDirectory else { return nil }
        var limits = SpoolLimits()
        limits.maximumBytes = configuration.spoolMaximumBytes
        limits.maximumAge = configuration.spoolMaximumAge
        do {
            spool = try Spool(directory: directory, limits: limits)
        } catch {
            log.write(.error, "\(error) Until then events are kept in memory only.")
            return nil
        }
        self.pipeline = pipeline
        self.log = log
    }

    // MARK: From memory to disk

    /// Writes payloads to disk, and settles their events.
    func store(_ deliveries: [Delivery]) {
        var start = 0
        while start < deliveries.count {
            let end = min(start + Limit.recordsPerAppend, deliveries.count)
            let chunk = deliveries[start..<end]
            let result = spool.append(chunk.map(\.record))
            if result.stored > 0 { hasStored = true }
            pipeline.settleSpooled(result.stored, bytes: chunk.reduce(0) { $0 + $1.queueBytes })
            pipeline.settleDropped(.spoolFailed, result.dropped, bytes: 0)
            if result.dropped > 0 { report(result) }
            start = end
        }
        countLosses()
    }

    private func report(_ result: SpoolAppendResult) {
        let reason =
            result.diskFull > 0
            ? "the disk is full"
            : result.unwritable > 0
                ? "its directory can't be written" : result.tooLarge > 0 ? "they are too large" : "it is full"
        log.write(
            .error, topic: "spool.\(reason)",
            "dropped \(result.dropped) events that the spool in \(spool.path) did not take: \(reason)")
    }

    private func countLosses() {
        let losses = spool.lostEvents
        guard losses > knownLosses else { return }
        pipeline.dropFromSpool(.spoolLimit, own: losses - knownLosses)
        log.write(
            .warning, topic: "spool.limit",
            "the spool in \(spool.path) is over its limit of size or age: \(losses) of its events are lost so far")
        knownLosses = losses
    }

    // MARK: From disk to the backend

    /// Whether there is something to deliver. Looks at the directory now and then.
    func hasWork(now: UInt64) -> Bool {
        if let segment, !segment.isExhausted { return true }
        // What this process itself put there is known without a look; it comes back once memory is empty.
        guard now >= nextLook || hasStored && pipeline.notEncoded == 0 else { return false }
        return claim(now: now)
    }

    /// When to look again; monotonic nanoseconds.
    var nextLookAt: UInt64 { nextLook }

    /// Makes the next ``hasWork(now:)`` look, because something may have changed.
    func lookSoon() { nextLook = 0 }

    private func claim(now: UInt64) -> Bool {
        // What this process is writing can be claimed only once it has let go of it.
        if hasStored { spool.seal() }
        hasStored = false
        let claimed = spool.claim()
        countLosses()
        guard let claimed else {
            segment = nil
            nextLook = now &+ Limit.look
            return false
        }
        segment = SpoolSegmentInHand(claimed)
        return true
    }

    /// The next payload; nil if the segment in hand has no more.
    ///
    /// - Parameter lines: whether several events may go in one payload.
    func next(lines: Bool, identifier: UInt64) -> Delivery? {
        guard let segment, !segment.isExhausted else { return nil }
        let records = segment.claim.records
        let start = segment.next
        var end = start + 1
        if lines, Self.mayJoin(records[start]) {
            var bytes = records[start].body.count
            while end < records.count, end - start < DeliveryLimit.linesPerBatch, Self.mayJoin(records[end]),
                bytes + records[end].body.count < DeliveryLimit.bytesPerBatch
            {
                bytes += records[end].body.count + 1
                end += 1
            }
        }
        segment.next = end
        segment.openParts += 1
        let part = SpoolPart(segment: segment, indices: start..<end)
        let chosen = records[start..<end]
        return Delivery(
            content: Self.content(of: chosen), identifier: identifier, idempotencyKey: Self.key(of: chosen),
            spoolPart: part)
    }

    /// Whether the record is an event that was never sent, so that a batch may take it along.
    private static func mayJoin(_ record: SpoolRecord) -> Bool {
        record.body.last != UInt8(ascii: "\n")
    }

    private static func content(of records: ArraySlice<SpoolRecord>) -> Delivery.Content {
        let events = records.map { record in
            EncodedEvent(
                sequence: .max, identifier: record.idempotencyKey, receivedAt: Int64(clamping: record.capturedAt),
                body: mayJoin(record) ? record.body : record.body.dropLast(), queueBytes: 0)
        }
        guard events.count == 1, let record = records.first, let event = events.first else {
            return .batch(EventBatch(events))
        }
        return record.eventCount == 1
            ? .event(event) : .lines(record.body, eventCount: record.eventCount)
    }

    /// The records' own key, or one that follows from all of theirs: should the process die before the answer is in,
    /// the next one that sends the same records as a batch sends the same key.
    private static func key(of records: ArraySlice<SpoolRecord>) -> EventIdentifier {
        guard records.count > 1, let first = records.first else {
            return records.first?.idempotencyKey ?? EventIdentifier(high: 0, low: 0)
        }
        var mixed: UInt64 = 0xCBF2_9CE4_8422_2325
        for record in records {
            for word in [record.idempotencyKey.high, record.idempotencyKey.low] {
                mixed = (mixed ^ word) &* 0x9E37_79B9_7F4A_7C15
                mixed ^= mixed >> 29
            }
        }
        return EventIdentifier(
            milliseconds: first.idempotencyKey.milliseconds, randomA: mixed >> 52,
            randomB: mixed ^ first.idempotencyKey.low)
    }

    // MARK: Settling

    func delivered(_ delivery: Delivery, _ part: SpoolPart) {
        let own = min(part.ownEvents, delivery.eventCount)
        part.ownEvents -= own
        pipeline.settleFromSpool(own: own, others: delivery.eventCount - own)
        settle(part)
    }

    func dropped(_ delivery: Delivery, _ part: SpoolPart, _ reason: DropReason) {
        let own = min(part.ownEvents, delivery.eventCount)
        part.ownEvents -= own
        pipeline.dropFromSpool(reason, own: own)
        settle(part)
    }

    private func settle(_ part: SpoolPart) {
        part.openDeliveries -= 1
        guard part.openDeliveries == 0 else { return }
        let segment = part.segment
        segment.openParts -= 1
        if segment.isExhausted, segment.openParts == 0 {
            segment.claim.remove()
            if segment === self.segment { self.segment = nil }
            countLosses()
            // More may wait: what was written meanwhile, or another process left.
            lookSoon()
        } else {
            segment.claim.markDelivered(part.indices)
        }
    }

    /// Leaves everything on disk to whoever comes next.
    func close() {
        segment = nil
        spool.seal()
    }
}
