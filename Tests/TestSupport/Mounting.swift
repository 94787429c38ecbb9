import Foundation

/// Tells what a test may do with file systems.
package enum Mounting {
    /// Whether this process may create a mount namespace, in which files can be hidden from a program.
    package static let isAllowed: Bool = {
        guard let unshare = Tool.find("unshare") else { return false }
        let command = ["--mount", "sh", "-c", "mount --bind /dev/null /etc/hostname"]
        guard let trial = try? RunningProgram(unshare, command) else { return false }
        while !trial.hasEnded { usleep(1000) }
        return trial.status == 0
    }()
}
