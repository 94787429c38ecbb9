import CLibrary
import CPlatform

/// The process's memory.
enum Memory {
    /// What the process holds in memory now (Linux: proc(5), `statm`); nil where the system does not tell.
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

    /// Has big blocks given back to the system as soon as they are free. By default glibc keeps them in one arena for
    /// each thread, and a burst of uploads stays resident.
    static func returnsWhatIsFree() { cplatform_return_memory() }

    /// Gives back what is free in small blocks.
    static func trim() { cplatform_trim_memory() }
}

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
