/// Turns tracked requests into events and writes them straight into parcels: runs the app's hook and the privacy
/// filter, encodes the JSON, and assigns the key. Used by the delivery thread alone.
///
/// Unchecked properties: see ``DeliveryLoop``.
final class EventWriter {
    private let mailbox: Mailbox
    private let outbox: Outbox
    private let log: TrackerLog
    private let hook: BeforeSend?
    @exclusivity(unchecked) private var encoder: EventEncoder
    private let identifiers = EventIdentifierGenerator()
    /// The number of times that the privacy filter has reached its limit.
    @exclusivity(unchecked) private var filterLimits = 0
    @exclusivity(unchecked) private var hasWarnedOfHost = false
    @exclusivity(unchecked) private var hasWarnedOfPeer = false
    @exclusivity(unchecked) private var backlog = EventBacklog()
    /// The number of the backlog's next event.
    @exclusivity(unchecked) private var sequence: UInt64 = 0
    /// The average size of the last parcel's events, which predicts how much room the next one needs.
    @exclusivity(unchecked) private var bytesPerEvent = 1_024

    /// How many events are written before the thread yields the processor.
    private static let writtenAtOnce = 32

    init(configuration: TrackerConfiguration, mailbox: Mailbox, outbox: Outbox, log: TrackerLog) {
        self.mailbox = mailbox
        self.outbox = outbox
        self.log = log
        hook = configuration.beforeSend.map {
            BeforeSend($0, log: log) { mailbox.record { $0.countSlowHook() } }
        }
        encoder = EventEncoder(
            projectToken: configuration.projectToken, privacy: configuration.privacy,
            trustedProxies: configuration.trustedProxies)
    }

    /// The number of events that waited in the mailbox when this turn began, without those taken since.
    @exclusivity(unchecked) var mailboxCount = 0
    /// Events that wait to be written.
    var unwritten: Int { backlog.count + mailboxCount }
    var hasUnwritten: Bool { unwritten > 0 }
    /// Events that were taken off the queue and wait to be written.
    var backlogCount: Int { backlog.count }
    /// The number of the oldest of those.
    var oldestSequence: UInt64? { backlog.isEmpty ? nil : sequence }

    /// The time at which the oldest event not yet written was captured, in monotonic nanoseconds; nil if there is none.
    func oldestAge() -> UInt64? {
        refill()
        return backlog.oldest
    }

    /// Writes the next parcel.
    ///
    /// - Parameters:
    ///   - lines: the maximum number of events in it.
    ///   - yields: whether to yield the processor to waiting threads now and then.
    /// - Returns: nil if there is no event.
    func next(lines: Int, yields: Bool = false) -> Parcel? {
        var parcel: Parcel?
        while parcel.map({ $0.count < lines && $0.body.count < Parcel.maximumBytes }) ?? true {
            refill()
            guard !backlog.isEmpty else { break }
            // A whole batch takes most of a millisecond, while a request may be waiting for this processor.
            if yields, let parcel, parcel.count % Self.writtenAtOnce == 0 { DetachedThread.yieldProcessor() }
            let number = sequence
            let expected = lines == 1 ? 0 : min(lines, backlog.count + mailboxCount) * (bytesPerEvent + 1)
            sequence += 1
            backlog.readNext { request in write(request, number, expected, &parcel) }
        }
        if let parcel {
            // An estimate was too low, as that of deferred header fields may be.
            if parcel.excess > 0 { mailbox.record { $0.charge(parcel.excess) } }
            bytesPerEvent = min(parcel.body.count / parcel.count + 16, Parcel.maximumBytes / Parcel.maximumLines)
        }
        return parcel
    }

    private func write(
        _ request: borrowing TrackedRequest, _ number: UInt64, _ expected: Int, _ parcel: inout Parcel?
    ) {
        let charge = request.approximateBytes
        var changed: TrackedRequest?
        if let hook {
            switch hook.apply(to: copy request) {
            case .send(let request): changed = request
            case .drop(let reason): return mailbox.record { $0.settle(1, bytes: charge, as: .dropped(reason)) }
            }
        }
        if parcel == nil {
            parcel = Parcel(
                key: ParcelKey(identifiers.next()), sequence: number, age: request.finishedAt,
                capturedAt: request.start.receivedAt)
            if expected > 0 { parcel?.reserve(expected, in: outbox.takeSpare()) }
        }
        if let changed {
            parcel?.append(charge: charge) { encoder.encode(changed, to: &$0) }
        } else {
            parcel?.append(charge: charge) { encoder.encode(request, to: &$0) }
        }
        if encoder.hosts.wasMissing, !hasWarnedOfHost {
            hasWarnedOfHost = true
            log.write(
                .warning, topic: "host",
                "a request had no host, so its full_url names this server instead; that is normal for HTTP/1.0 "
                    + "clients, but otherwise pass the host to RequestSnapshot: the framework may keep it outside the headers"
            )
        }
        if encoder.missesPeer, !hasWarnedOfPeer {
            hasWarnedOfPeer = true
            log.write(
                .warning, topic: "peer",
                "a request had no peer address, so no proxy can be recognized by its network, and forwarded headers "
                    + "are ignored: pass remoteAddress to RequestSnapshot, or set RA_TRUSTED_PROXIES to a number"
            )
        }
        if encoder.exhaustions != filterLimits {
            filterLimits = encoder.exhaustions
            mailbox.record { $0.countFilterLimit() }
        }
    }

    /// Releases requests whose events are written, before the thread sleeps.
    func releaseWritten() { backlog.releaseWritten() }

    private func refill() {
        guard backlog.isEmpty else { return }
        sequence = mailbox.refill(&backlog)
        mailboxCount -= min(mailboxCount, backlog.count)
    }
}
