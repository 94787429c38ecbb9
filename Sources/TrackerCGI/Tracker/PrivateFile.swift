import CLibrary
import CPlatform
import TrackerCore

/// A small file that the processes of one user share, in a directory that the user owns (mode 0700) below one that
/// others can write to, such as /tmp.
///
/// Nothing found there is trusted: symbolic links are not followed, and a directory or file of another owner or type,
/// or a file with a second hard link, is refused. All access goes through descriptors, so that a later change of a path
/// cannot redirect it.
final class PrivateFile: Sendable {
    /// Why the file cannot be used. Its description is a sentence.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// Above 2, and close-on-exec.
    let descriptor: Int32

    /// Opens the file; creates it (mode 0600) and its directory if they are missing.
    init(directory: String, name: String) throws(Refusal) {
        let parent = try Self.openDirectory(directory)
        defer { _ = close(parent) }
        // Non-blocking, because opening a FIFO could block.
        var opened = openat(parent, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard opened >= 0 else { throw Self.refusal(directory + "/" + name, "open") }
        if opened < 3 {
            let moved = fcntl(opened, F_DUPFD_CLOEXEC, 3)
            _ = close(opened)
            opened = moved
            guard opened >= 0 else { throw Self.refusal(directory + "/" + name, "fcntl") }
        }
        do {
            try Self.check(opened, directory + "/" + name, kind: S_IFREG, mode: 0o600)
        } catch {
            _ = close(opened)
            throw error
        }
        descriptor = opened
    }

    deinit { _ = close(descriptor) }

    private static func openDirectory(_ path: String) throws(Refusal) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var opened = open(path, flags)
        if opened < 0, errno == ENOENT {
            // Another process may be creating it too.
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw refusal(path, "mkdir") }
            opened = open(path, flags)
        }
        guard opened >= 0 else { throw refusal(path, "open") }
        do {
            try check(opened, path, kind: S_IFDIR, mode: 0o700)
        } catch {
            _ = close(opened)
            throw error
        }
        return opened
    }

    private static func check(_ descriptor: Int32, _ path: String, kind: mode_t, mode: mode_t) throws(Refusal) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw refusal(path, "fstat") }
        guard status.st_mode & S_IFMT == kind else {
            throw Refusal(description: "\(path) is not a \(kind == S_IFDIR ? "directory" : "regular file")")
        }
        guard status.st_uid == geteuid() else {
            throw Refusal(description: "\(path) belongs to user \(status.st_uid), not to user \(geteuid())")
        }
        guard kind == S_IFDIR || status.st_nlink == 1 else {
            throw Refusal(description: "\(path) has a second hard link")
        }
        guard status.st_mode & 0o077 == 0 || fchmod(descriptor, mode) == 0 else { throw refusal(path, "fchmod") }
    }

    private static func refusal(_ path: String, _ call: String) -> Refusal {
        Refusal(description: "\(path) can't be used: \(SystemError(call: call))")
    }

    // MARK: Contents

    /// Returns `count` bytes from `offset` on; fewer if the file ends before or cannot be read.
    func read(at offset: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
        }
    }

    /// - Returns: whether all of it was written.
    @discardableResult
    func write(_ bytes: [UInt8], at offset: Int) -> Bool {
        bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) } == bytes.count
    }

    // MARK: Locks

    enum Lock: Equatable {
        case taken
        /// Another process holds it.
        case busy
        /// The file system does not support such locks.
        case unavailable
    }

    /// Locks one byte against other processes, and against other opens of the file in this one. A process that dies
    /// releases its locks; a child that inherits the descriptor shares its parent's.
    func lock(byte: Int) -> Lock {
        if cplatform_lock_byte(descriptor, byte) == 0 { return .taken }
        return errno == EAGAIN || errno == EACCES ? .busy : .unavailable
    }

    func unlock(byte: Int) {
        _ = cplatform_unlock_byte(descriptor, byte)
    }

    /// Calls `body` while holding the lock of a byte.
    ///
    /// - Parameter patience: how long to retry.
    /// - Returns: nil if the lock could not be taken in time.
    func withLock<Result>(byte: Int, patience: Duration, _ body: () -> Result) -> Result? {
        let deadline = SystemClock.deadline(after: patience)
        while true {
            switch lock(byte: byte) {
            case .taken:
                defer { unlock(byte: byte) }
                return body()
            case .unavailable: return nil
            case .busy: break
            }
            guard SystemClock.monotonicNanoseconds() < deadline else { return nil }
            usleep(300)
        }
    }
}
