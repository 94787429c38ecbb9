import Foundation

/// A temporary directory for one test, deleted afterwards.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init(_ prefix: String = "test") throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("\(prefix)-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Returns the sorted names in a subdirectory; empty if there is none.
    package func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(directory)")) ?? []).sorted()
    }
}
