import TrackerCore

/// Why a file can't be used as a store, and what to do.
package struct StoreError: Error, Equatable, CustomStringConvertible {
    /// The kinds of reasons.
    package enum Reason: Equatable, Sendable {
        case system(SystemError)
        case inUse
        case notAFile
        /// The first line is not a store's.
        case notAStore
        /// A store whose first line is an event instead of the header.
        case oldStore
        /// The file has more events than are wanted now.
        case shrinks(events: Int, keep: Int)
        /// A folder for temporary files that other users could change.
        case unsafeFolder
    }

    package let path: String
    package let reason: Reason

    package var description: String {
        switch reason {
        case .system(let error): "can't keep events in \(path): \(error)"
        case .inUse: "can't keep events in \(path): another event handler is using it"
        case .notAFile: "can't keep events in \(path): it is not a regular file"
        case .notAStore:
            "can't keep events in \(path): it is not an event store, and was left unchanged; "
                + "choose another file, or move this one away"
        case .oldStore:
            "can't keep events in \(path): it is an event store without the header line; --force adds it"
        case .shrinks(let events, let keep):
            "can't keep events in \(path): it has \(events) events, and --keep \(keep) would delete "
                + "\(events - keep) of them; --keep \(events) keeps all, --force deletes them"
        case .unsafeFolder:
            "can't keep events in \(path): the folder belongs to another user, or others can write to it"
        }
    }
}
