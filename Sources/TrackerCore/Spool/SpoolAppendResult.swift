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
