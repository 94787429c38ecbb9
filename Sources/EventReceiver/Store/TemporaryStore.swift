import CLibrary
import TrackerCore

/// Where events are kept when nobody has named a file: a folder of the user's own among the temporary files.
package enum TemporaryStore {
    /// - Parameters:
    ///   - program: whose events they are.
    ///   - port: where it listens; each port has a file of its own.
    package static func open(program: String, port: UInt16, keep: Int) throws(StoreError) -> EventStore {
        let folder = "\(parent)/rigidanalytics-\(getuid())"
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw StoreError(path: folder, reason: .system(SystemError(call: "mkdir")))
        }
        // Anybody can make a folder of this name; events go only into one that nobody else can get at.
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(),
            status.st_mode & 0o077 == 0
        else { throw StoreError(path: folder, reason: .unsafeFolder) }
        return try EventStore.open(path: "\(folder)/\(program)-\(port).ndjson", keep: keep)
    }

    private static var parent: String {
        guard let value = getenv("TMPDIR") else { return "/tmp" }
        let path = String(cString: value)
        let trimmed = path.hasSuffix("/") ? String(path.dropLast()) : path
        return trimmed.hasPrefix("/") && !trimmed.isEmpty ? trimmed : "/tmp"
    }
}
