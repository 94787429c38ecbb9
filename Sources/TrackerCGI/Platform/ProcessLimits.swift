import CLibrary
import CPlatform

/// The process's memory.
enum Memory {
    /// Resident memory in bytes (Linux: proc(5), `statm`); nil if the system does not report it.
    static var residentBytes: Int? {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { _ = close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = read(file, &text, text.count)
        let words = text.prefix(max(0, count)).split(separator: UInt8(ascii: " "))
        guard words.count > 1, let pages = Int(String(decoding: words[1], as: UTF8.self)) else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Makes the allocator return large blocks to the system as soon as they are freed. By default glibc keeps them in
    /// per-thread arenas, and a burst of uploads stays resident.
    static func releaseFreedBlocksEagerly() { cplatform_return_memory() }

    /// Returns freed small blocks to the system.
    static func trim() { cplatform_trim_memory() }
}

/// The process's limit on open files.
enum OpenFiles {
    /// Descriptors kept for the app and the tracker, at most half of the limit.
    private static let reserve = 64

    /// Returns the wanted number of connections, or as many as the limit on open files allows.
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
            log.write("files", "at most \(room) connections at a time, because the limit on open files is \(files)")
        }
        return max(1, min(wanted, room))
    }
}
