/// What a spool remembers in memory: its counters, and which records on disk are its own.
struct SpoolLedger {
    /// The records of one segment that this object wrote.
    private struct Own {
        /// Where they lie in the file; one range for each time the segment was held for writing.
        var ranges: [Range<Int>]
        var pending: Int
    }

    /// Counters only; what a look at the directory tells is filled in by the asker.
    private(set) var statistics = SpoolStatistics()
    /// Bounded: every listing drops the names that are gone.
    private var own: [String: Own] = [:]
    /// Names that are not worth opening again: no segments inside, or delivered but impossible to remove.
    private var avoided: Set<String> = []

    private static let maximumAvoided = 1_024

    // MARK: Writing

    mutating func stored(_ count: Int, in name: String, range: Range<Int>) {
        statistics.pendingEvents += count
        var entry = own[name] ?? Own(ranges: [], pending: 0)
        entry.pending += count
        if let last = entry.ranges.last, last.upperBound == range.lowerBound {
            entry.ranges[entry.ranges.count - 1] = last.lowerBound..<range.upperBound
        } else {
            entry.ranges.append(range)
        }
        own[name] = entry
    }

    mutating func appended(_ result: SpoolAppendResult) {
        statistics.storedEvents += result.stored
        statistics.evictedSegments += result.evictedSegments
        statistics.evictedEvents += result.evictedEvents
        statistics.dropped.diskFull += result.diskFull
        statistics.dropped.tooLarge += result.tooLarge
        statistics.dropped.unwritable += result.unwritable
        statistics.dropped.spoolFull += result.spoolFull
    }

    // MARK: Claims

    func isOwn(offset: Int, in name: String) -> Bool {
        own[name]?.ranges.contains { $0.contains(offset) } ?? false
    }

    /// Own records of a held segment have been delivered.
    mutating func delivered(_ count: Int, in name: String) {
        guard count > 0, var entry = own[name] else { return }
        let taken = min(count, entry.pending)
        entry.pending -= taken
        statistics.pendingEvents -= taken
        own[name] = entry
    }

    /// A held segment is removed: what it still has of ours is lost, and its losses are counted now, once.
    mutating func removing(_ name: String, losses: SpoolLosses) {
        statistics.corruptRecords += losses.corrupt
        statistics.tornRecords += losses.torn
        statistics.expiredRecords += losses.expired
        if let entry = own.removeValue(forKey: name) {
            statistics.pendingEvents -= entry.pending
            statistics.lostEvents += entry.pending
        }
    }

    // MARK: Listings

    var ownNames: [String] { Array(own.keys) }

    /// - Parameters:
    ///   - known: `ownNames` from before the listing, so that a segment made meanwhile does not count as gone.
    ///   - present: the names in the listing.
    mutating func reconcile(known: [String], present: Set<String>) {
        for name in known where !present.contains(name) {
            guard let entry = own.removeValue(forKey: name) else { continue }
            statistics.pendingEvents -= entry.pending
            statistics.takenByOthers += entry.pending
        }
        avoided.formIntersection(present)
    }

    /// After a fork the child has its parent's memory, but has written nothing itself.
    mutating func forget() {
        own = [:]
        avoided = []
        statistics = SpoolStatistics()
    }

    // MARK: Names to leave alone

    func avoids(_ name: String) -> Bool { avoided.contains(name) }

    mutating func avoid(_ name: String) {
        if avoided.count < Self.maximumAvoided { avoided.insert(name) }
    }

    mutating func foundCorruptSegment() {
        statistics.corruptSegments += 1
    }
}

/// Records of one segment that cannot be delivered.
package struct SpoolLosses: Sendable, Equatable {
    /// Unreadable, with something readable behind them.
    package var corrupt = 0
    /// 1 if the segment ends in the middle of a record.
    package var torn = 0
    /// Older than the limit.
    package var expired = 0

    package init() {}
}
