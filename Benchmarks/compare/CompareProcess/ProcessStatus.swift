#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What `/proc/self/status` says (Linux).
enum ProcessStatus {
    /// Resident MiB, and the number of threads; zeros where there is no such file.
    static var now: (memory: Double, threads: Int) {
        guard let file = fopen("/proc/self/status", "r") else { return (0, 0) }
        defer { fclose(file) }
        var result: (memory: Double, threads: Int) = (0, 0)
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let number = Int(text.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0
            if text.hasPrefix("VmRSS:") { result.memory = Double(number) / 1024 }
            if text.hasPrefix("Threads:") { result.threads = number }
        }
        return result
    }
}
