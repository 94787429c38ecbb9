/// The delivery thread's access to the spool: stores parcels from memory, and loads stored ones for delivery.
///
/// A directory that can't be used is retried, because its owner may be corrected or space freed at any time. Until then
/// events stay in memory, as without a spool.
final class ParcelStore {
    private let directory: String
    private let limits: SpoolLimits
    private let mailbox: Mailbox
    private let log: TrackerLog
    private var spool: Spool?
    private var nextOpening: UInt64 = 0
    private var nextWriting: UInt64 = 0
    private var failures = 0
    private var nextLook: UInt64 = 0
    private var known = SpoolStatistics()
    /// The reason why the disk refused the last write; nil if it did not.
    private(set) var reasonOfRefusal: String?
    /// Whether the last refusal was because of the spool's own size limit.
    private(set) var isFull = false

    private enum Limit {
        /// How often the directory is listed for what other processes left there.
        static let look: UInt64 = 5_000_000_000
        static let reopening: UInt64 = 5_000_000_000
        /// The pause after a refused write, doubled with each up to `longestPause`.
        static let pause: UInt64 = 250_000_000
        static let longestPause: UInt64 = 8_000_000_000
        static let recordsPerWrite = 256
        /// The shortest time between repeated log lines about the disk.
        static let repetition: UInt64 = 600_000_000_000
    }

    /// - Returns: nil if no directory is configured.
    init?(configuration: TrackerConfiguration, mailbox: Mailbox, log: TrackerLog) {
        guard let directory = configuration.spoolDirectory else { return nil }
        self.directory = directory
        var limits = SpoolLimits()
        limits.maximumBytes = configuration.spoolMaximumBytes
        limits.maximumAge = configuration.spoolMaximumAge
        self.limits = limits
        self.mailbox = mailbox
        self.log = log
    }

    private func opened(now: UInt64) -> Spool? {
        if let spool { return spool }
        guard now >= nextOpening else { return nil }
        do {
            spool = try Spool(directory: directory, limits: limits)
            reasonOfRefusal = nil
            nextLook = 0
        } catch {
            nextOpening = now &+ Limit.reopening
            reasonOfRefusal = "its directory can't be used"
            log.write(
                .error, topic: "spool.open", every: Limit.repetition,
                "\(error) Until then events are kept in memory only.")
        }
        return spool
    }

    // MARK: From memory to disk

    /// Whether a write is worth trying now.
    func mayWrite(now: UInt64) -> Bool { now >= nextWriting && opened(now: now) != nil }

    /// Writes parcels to disk and counts their events as spooled.
    ///
    /// - Parameter areOut: whether they also stay in memory and are delivered from there.
    /// - Returns: the parcels that stay in memory: all that are out, and those the disk refused.
    func store(_ parcels: [Parcel], areOut: Bool, now: UInt64) -> [Parcel] {
        guard !parcels.isEmpty, let spool = opened(now: now) else { return parcels }
        var left: [Parcel] = []
        var total = SpoolAppendResult()
        for start in stride(from: 0, to: parcels.count, by: Limit.recordsPerWrite) {
            let chunk = parcels[start..<min(start + Limit.recordsPerWrite, parcels.count)]
            guard total.refused == total.tooLarge else {
                left += chunk
                continue
            }
            let (places, result) = spool.append(chunk.map(\.record), areOut: areOut)
            var (events, bytes) = (0, 0)
            for (var parcel, place) in zip(chunk, places) {
                guard let place else {
                    left.append(parcel)
                    continue
                }
                events += parcel.count
                bytes += parcel.charge
                guard areOut else { continue }
                parcel.disk = DiskShare(place)
                left.append(parcel)
            }
            if events > 0 { mailbox.record { $0.settle(events, bytes: bytes, as: .spooled) } }
            total.add(result)
        }
        report(total, now)
        countLosses()
        return left
    }

    private func report(_ result: SpoolAppendResult, _ now: UInt64) {
        guard let reason = result.reason else {
            failures = 0
            reasonOfRefusal = nil
            isFull = false
            return
        }
        isFull = result.spoolFull > 0
        // An event that is too large never fits; it says nothing about the others.
        if result.refused > result.tooLarge {
            failures += 1
            nextWriting = now &+ min(Limit.pause << UInt64(min(failures - 1, 8)), Limit.longestPause)
            reasonOfRefusal = reason
        }
        log.write(
            .error, topic: "spool.\(reason)", every: Limit.repetition,
            "the spool in \(directory) does not accept events: \(reason); they stay in memory while there is room")
    }

    private func countLosses() {
        guard let losses = spool?.losses else { return }
        let before = known
        known = losses
        let (own, others) = (losses.lostEvents - before.lostEvents, losses.lostOfOthers - before.lostOfOthers)
        if own + others > 0 {
            log.write(
                .warning, topic: LogTopic.spoolLimit,
                "the spool in \(directory) is over its size or age limit, or is damaged: "
                    + "\(losses.lostEvents + losses.lostOfOthers) of its events have been lost so far")
            mailbox.record { $0.dropFromSpool(.spoolLimit, own: own, others: others) }
        }
        for (kind, text, count) in [
            ("torn record", "torn record", losses.tornRecords - before.tornRecords),
            ("corrupt record", "corrupt record", losses.corruptRecords - before.corruptRecords),
            (
                "file that is no segment of this version", "file that is not a segment of this version",
                losses.corruptSegments - before.corruptSegments
            ),
        ] where count > 0 {
            log.write(
                .warning, topic: "spool.\(kind)", every: .max,
                "the spool in \(directory) has a \(text); it is skipped, and counted in statistics.spoolDamage")
        }
    }

    /// The damage found so far.
    var damage: TrackerStatistics.SpoolDamage {
        var damage = TrackerStatistics.SpoolDamage()
        damage.tornRecords = known.tornRecords
        damage.corruptRecords = known.corruptRecords
        damage.foreignFiles = known.corruptSegments
        return damage
    }

    // MARK: From disk to the backend

    /// Whether there may be something to deliver. Lists the directory now and then.
    func hasWork(now: UInt64) -> Bool {
        guard let spool = opened(now: now) else { return false }
        if now >= nextLook {
            spool.look()
            nextLook = now &+ Limit.look
            // An open directory takes a descriptor that a connection may need.
            if !spool.mayHaveMore { spool.rest() }
        }
        return spool.mayHaveMore
    }

    /// The time at which to look again, in monotonic nanoseconds.
    var nextLookAt: UInt64 { spool == nil ? nextOpening : nextLook }

    /// Makes the next ``hasWork(now:)`` list the directory, because something may have changed.
    func rescanSoon() { nextLook = 0 }

    /// Returns the next stored parcel; nil if none is free.
    func next(now: UInt64) -> Parcel? {
        defer { countLosses() }
        return spool?.next().map { Parcel($0.record, place: $0.place, age: now) }
    }

    /// Leaves a parcel to a later ``next(now:)``.
    func giveBack(_ share: DiskShare) { spool?.giveBack(share.place) }

    // MARK: Settling

    /// Settles the events of a stored parcel, or of a part of it.
    ///
    /// - Parameter reason: why they were dropped; nil if they were delivered.
    func settle(_ parcel: Parcel, _ share: DiskShare, droppedFor reason: DropReason?) {
        let own = share.place.isOwn ? parcel.count : 0
        mailbox.record { ledger in
            if let reason {
                ledger.dropFromSpool(reason, own: own, others: parcel.count - own)
            } else {
                ledger.deliverFromSpool(own: own, others: parcel.count - own)
            }
        }
        share.openParts -= 1
        guard share.openParts == 0 else { return }
        spool?.settle(share.place)
        countLosses()
    }

    // MARK: Resting and ending

    /// Closes all files unless a segment is in use.
    func rest() {
        spool?.rest()
        countLosses()
    }

    /// Closes the spool; its records are left to the next process.
    func close() {
        spool?.close()
        countLosses()
    }
}
