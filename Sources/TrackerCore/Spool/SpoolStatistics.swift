/// Counts of a spool's contents, and of its losses since this object was created.
package struct SpoolStatistics: Sendable, Equatable {
    /// Events stored by this object that are still on disk, as far as known (see `takenByOthers`).
    package var pendingEvents = 0
    /// Segments in the directory now, of all processes.
    package var pendingSegments = 0
    /// Their size.
    package var pendingBytes = 0

    /// Events stored.
    package var storedEvents = 0
    /// Stored events whose segment another process took. Detected when the directory is next listed.
    package var takenByOthers = 0
    /// Stored events lost afterward: expired, corrupt or evicted, while this object held the segment.
    package var lostEvents = 0
    /// Events of other processes, or of earlier runs, that this object removed: expired or evicted.
    package var lostOfOthers = 0

    /// Unreadable records with readable data after them, in segments that this object removed, whoever wrote them.
    package var corruptRecords = 0
    /// Likewise: segments that ended in the middle of a record.
    package var tornRecords = 0
    /// Likewise: records older than the age limit.
    package var expiredRecords = 0
    /// Files named like a segment that are not one, set aside as `*.corrupt` or left in place.
    package var corruptSegments = 0
    /// Segments deleted to stay within the size limit, and the undelivered events in them.
    package var evictedSegments = 0
    package var evictedEvents = 0

    package init() {}

    mutating func add(_ result: SpoolAppendResult) {
        storedEvents += result.stored
        evictedSegments += result.evictedSegments
        evictedEvents += result.evictedEvents
    }

    mutating func add(_ losses: SpoolLosses) {
        corruptRecords += losses.corrupt
        tornRecords += losses.torn
        expiredRecords += losses.expired
        lostOfOthers += losses.expiredOfOthers
    }
}

extension Spool {
    /// Own events lost on disk, and damage found, so far. Does not touch the disk.
    package var losses: SpoolStatistics {
        var losses = counts
        losses.corruptSegments = segments.foreignFiles
        losses.takenByOthers = segments.takenByOthers
        return losses
    }

    /// The current statistics; lists the directory for the sizes.
    package var statistics: SpoolStatistics {
        let listing = segments.list()
        var statistics = losses
        statistics.pendingEvents = held.reduce(0) { $0 + $1.ownPending } + segments.ownPending
        statistics.pendingSegments = listing?.segments.count ?? 0
        statistics.pendingBytes = listing?.totalBytes ?? 0
        return statistics
    }
}

/// The result of one append. `stored` and the refusals add up to the events given.
package struct SpoolAppendResult: Sendable, Equatable {
    /// Written in full; they survive the end of the process.
    package var stored = 0
    /// Refused: no space on the file system, or the user's quota or the process's file size limit is used up.
    package var diskFull = 0
    /// Refused: the body exceeds its limit, or the record that of the whole spool.
    package var tooLarge = 0
    /// Refused: the directory cannot be written: read-only, gone, without permission, or failing.
    package var unwritable = 0
    /// Refused: the spool is at its size limit, and every segment that could be evicted is in use.
    package var spoolFull = 0
    /// The last system error that records were refused for, as ``diskFull`` or ``unwritable``.
    package var failure: SystemError?
    /// Older segments deleted to stay within the size limit.
    package var evictedSegments = 0
    /// Undelivered events in those, written by this process or another.
    package var evictedEvents = 0

    /// The events that were not stored.
    package var refused: Int { diskFull + tooLarge + unwritable + spoolFull }

    package init() {}

    mutating func add(_ other: SpoolAppendResult) {
        stored += other.stored
        diskFull += other.diskFull
        tooLarge += other.tooLarge
        unwritable += other.unwritable
        spoolFull += other.spoolFull
        failure = other.failure ?? failure
        evictedSegments += other.evictedSegments
        evictedEvents += other.evictedEvents
    }

    mutating func refuse(_ count: Int, because failure: SystemError) {
        self.failure = failure
        if failure.isLackOfSpace { diskFull += count } else { unwritable += count }
    }

    /// The reason for refusals in words, for the log; nil if all was stored.
    var reason: String? {
        if diskFull > 0 { return "the disk is full" }
        if unwritable > 0 { return "its directory can't be written\(failure.map { " (\($0))" } ?? "")" }
        if tooLarge > 0 { return "they are too large" }
        return spoolFull > 0 ? "it is full, and other processes hold what could go" : nil
    }
}
