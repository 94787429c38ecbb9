/// What a spool holds and what it has lost since this object was made.
package struct SpoolStatistics: Sendable, Equatable {
    /// Events this object stored that are still on disk, as far as known (see `takenByOthers`).
    package var pendingEvents = 0
    /// Segments in the directory now, of all processes.
    package var pendingSegments = 0
    /// Their size.
    package var pendingBytes = 0

    /// Events stored.
    package var storedEvents = 0
    /// Stored events whose segment another process took. Noticed when the directory is next read.
    package var takenByOthers = 0
    /// Stored events that were lost afterwards: expired, corrupt or evicted, while this object held the segment.
    package var lostEvents = 0

    /// Counted when this object removes a segment, whoever wrote it: unreadable records before its end.
    package var corruptRecords = 0
    /// Likewise: segments that ended in the middle of a record.
    package var tornRecords = 0
    /// Likewise: records older than the limit.
    package var expiredRecords = 0
    /// Files named like a segment that are none, and were set aside as `*.corrupt` or left where they are.
    package var corruptSegments = 0
    /// Segments deleted for the size limit, and the undelivered events in them.
    package var evictedSegments = 0
    package var evictedEvents = 0

    package init() {}

    mutating func add(_ result: SpoolAppendResult) {
        storedEvents += result.stored
        evictedSegments += result.evictedSegments
        evictedEvents += result.evictedEvents
    }
}

extension Spool {
    /// Own events on disk that were lost, and damage, so far. Does not touch the disk.
    package var losses: SpoolStatistics {
        var losses = counts
        losses.corruptSegments = shelf.foreignFiles
        losses.takenByOthers = shelf.takenByOthers
        return losses
    }

    /// Reads the directory, so that the sizes are of now.
    package var statistics: SpoolStatistics {
        let listing = shelf.list()
        var statistics = losses
        statistics.pendingEvents = held.reduce(0) { $0 + $1.ownPending } + shelf.ownPending
        statistics.pendingSegments = listing?.segments.count ?? 0
        statistics.pendingBytes = listing?.totalBytes ?? 0
        return statistics
    }
}

/// What became of the events of one append. `stored` and the refused ones add up to what was given.
package struct SpoolAppendResult: Sendable, Equatable {
    /// Written in full; they survive the end of this process.
    package var stored = 0
    /// Refused: the file system has no room (or the user's quota, or the process's limit on file sizes, is used up).
    package var diskFull = 0
    /// Refused: the body is larger than its limit, or than the whole spool may be.
    package var tooLarge = 0
    /// Refused: the directory cannot be written: read-only, gone, without permission, or failing.
    package var unwritable = 0
    /// Refused: the spool is at its size limit, and live processes hold every segment that could have gone instead.
    package var spoolFull = 0
    /// Why records were refused as ``diskFull`` or ``unwritable``: the system's last answer.
    package var failure: SystemError?
    /// Older segments that were deleted to keep the size limit.
    package var evictedSegments = 0
    /// Undelivered events in those, written by this process or another.
    package var evictedEvents = 0

    /// The events given that were not stored.
    package var refused: Int { diskFull + tooLarge + unwritable + spoolFull }

    package init() {}

    mutating func refuse(_ count: Int, because failure: SystemError) {
        self.failure = failure
        if failure.isLackOfSpace { diskFull += count } else { unwritable += count }
    }

    /// In words, for the log; nil where all was stored.
    var reason: String? {
        if diskFull > 0 { return "the disk is full" }
        if unwritable > 0 { return "its directory can't be written\(failure.map { " (\($0))" } ?? "")" }
        if tooLarge > 0 { return "they are too large" }
        return spoolFull > 0 ? "it is full, and other processes hold what could go" : nil
    }
}
