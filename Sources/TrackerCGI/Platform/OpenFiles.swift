import CLibrary

/// The process's limit on open files.
enum OpenFiles {
    /// What is left to the app and the tracker, where there is enough.
    private static let reserve = 64

    /// As many connections as wanted, if there may be descriptors for them.
    static func connections(_ wanted: Int, _ log: RateLimitedLog) -> Int {
        var limit = rlimit()
        #if canImport(Glibc)
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return max(1, wanted) }
        #else
            guard getrlimit(RLIMIT_NOFILE, &limit) == 0 else { return max(1, wanted) }
        #endif
        let files = Int(clamping: limit.rlim_cur)
        let room = max(1, files - min(reserve, files / 2))
        if wanted > room {
            log.write("files", "at most \(room) connections at a time, as there may be \(files) open files")
        }
        return max(1, min(wanted, room))
    }
}
