import Foundation

/// What a test may do with file systems.
package enum Mounting {
    /// Whether this process may make a mount namespace of its own, in which files can be hidden from a program.
    package static let isAllowed: Bool = {
        guard let unshare = Tool.find("unshare") else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: unshare)
        process.arguments = ["--mount", "sh", "-c", "mount --bind /dev/null /etc/hostname"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}
