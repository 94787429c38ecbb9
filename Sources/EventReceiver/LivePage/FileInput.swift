import CLibrary

/// Reads the page's files from disk, for work on the page.
enum FileInput {
    private static let maximumBytes = 1 << 20

    /// - Returns: nil if the file can't be read.
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return try? StoreFile.read(descriptor, upTo: maximumBytes)
    }
}
