import Foundation

/// The names of a process's threads.
package enum ThreadNames {
    /// Whether the kernel lists them (Linux: `/proc/PID/task`, proc(5)).
    package static let areKnown = FileManager.default.fileExists(atPath: "/proc/self/task")

    /// - Parameter process: its ID; nil: this process.
    /// - Returns: the names; empty if there is no such process, or the kernel lists none.
    package static func all(process: Int32? = nil) -> [String] {
        let folder = "/proc/\(process.map(String.init) ?? "self")/task"
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap {
            // A thread may end between the two.
            try? String(contentsOfFile: "\(folder)/\($0)/comm", encoding: .utf8).trimmingCharacters(in: .newlines)
        }
    }
}
