import CLibrary

/// Values of `/proc/self/status` (Linux); zero if there is no such file.
enum ProcessStatus {
    static var threads: Int { value("Threads:") }

    /// Peak resident memory, in MiB.
    static var peakMemory: Double { Double(value("VmHWM:")) / 1024 }

    private static func value(_ name: String) -> Int {
        guard let file = fopen("/proc/self/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.hasPrefix(name) { return Int(text.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0 }
        }
        return 0
    }
}
