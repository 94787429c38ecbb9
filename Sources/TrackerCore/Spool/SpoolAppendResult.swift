/// What became of the events of one append. `stored` and the dropped ones add up to what was given.
package struct SpoolAppendResult: Sendable, Equatable {
    /// Written in full; they survive the end of this process.
    package var stored = 0
    /// Dropped: the file system has no room (or the user's quota, or the process's limit on file sizes, is used up).
    package var diskFull = 0
    /// Dropped: the body is larger than its limit, or than the whole spool may be.
    package var tooLarge = 0
    /// Dropped: the directory cannot be written: read-only, gone, without permission, or failing.
    package var unwritable = 0
    /// Dropped: the spool is at its size limit, and live processes hold every segment that could have gone instead.
    package var spoolFull = 0
    /// Older segments that were deleted to keep the size limit.
    package var evictedSegments = 0
    /// Undelivered events in those, written by this process or another.
    package var evictedEvents = 0

    /// The events given that were not stored.
    package var dropped: Int { diskFull + tooLarge + unwritable + spoolFull }

    package init() {}
}
