import CLibrary
import CPlatform

// The type below has a method of that name.
private let closeDescriptor: @Sendable (Int32) -> Int32 = close

/// A segment file that this object holds: open, locked against everybody else, and known to be the one of that name.
///
/// The lock is flock's. It belongs to the open file, not to the process as the older record locks do: two spools in one
/// process exclude each other, closing another descriptor of the file does not release it, and death does.
final class SpoolSegmentFile {
    enum Opening {
        case held(SpoolSegmentFile)
        /// Another live writer or reader has it, or it is gone, or no file for us.
        case unavailable
        case failed(SystemError)
    }

    let name: String
    let directory: SpoolDirectory
    private var descriptor: Int32

    private init(name: String, directory: SpoolDirectory, descriptor: Int32) {
        self.name = name
        self.directory = directory
        self.descriptor = descriptor
        // A child that a fork makes must not keep the lock beyond its parent's death.
        cplatform_keep_private(descriptor)
    }

    deinit { close() }

    /// Lets go of the file; whatever is asked of it afterwards fails.
    func close() {
        guard descriptor >= 0 else { return }
        // Unlocked by hand, because a child between fork and exec may have the descriptor for a moment longer.
        _ = flock(descriptor, LOCK_UN)
        cplatform_forget_private(descriptor)
        _ = closeDescriptor(descriptor)
        descriptor = -1
    }

    /// Never waits: not for a lock, and not for the other end of a FIFO.
    ///
    /// - Parameter creates: the file must not exist yet.
    static func open(_ name: String, in directory: SpoolDirectory, creates: Bool = false) -> Opening {
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (creates ? O_CREAT | O_EXCL : 0)
        let descriptor = openat(directory.descriptor, name, flags, 0o600)
        guard descriptor >= 0 else {
            let failure = SystemError(call: "openat")
            return failure.code == ENOENT && !creates ? .unavailable : .failed(failure)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = closeDescriptor(descriptor)
            return .unavailable
        }
        let file = SpoolSegmentFile(name: name, directory: directory, descriptor: descriptor)
        // Between open and lock, the one who held it may have removed or renamed it.
        var status = stat()
        var named = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_nlink > 0, fstatat(directory.descriptor, name, &named, AT_SYMLINK_NOFOLLOW) == 0,
            named.st_ino == status.st_ino, named.st_dev == status.st_dev
        else { return .unavailable }
        if status.st_mode & 0o077 != 0 { _ = fchmod(descriptor, 0o600) }
        return .held(file)
    }

    /// The file's size; nil when it has no name any more, so that what is written to it would be lost.
    var sizeIfLinked: Int? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_nlink > 0 else { return nil }
        return Int(clamping: status.st_size)
    }

    /// The first bytes, or fewer where the file is shorter; nil on an error.
    func read(count: Int) -> [UInt8]? {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count, let base = buffer.baseAddress {
                let got = pread(descriptor, base + initialized, count - initialized, off_t(initialized))
                if got > 0 {
                    initialized += got
                } else if got == 0 {
                    return
                } else if errno != EINTR {
                    failed = true
                    return
                }
            }
        }
        return failed ? nil : bytes
    }

    /// Writes until everything is written or something fails.
    ///
    /// - Returns: the bytes written from the start of `bytes`, and the failure that ended it.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> (written: Int, failure: SystemError?) {
        var written = 0
        while written < bytes.count, let base = bytes.baseAddress {
            let count = pwrite(descriptor, base + written, bytes.count - written, off_t(offset + written))
            if count > 0 {
                written += count
            } else if count == 0 || errno != EINTR {
                return (written, count == 0 ? SystemError(call: "pwrite", code: EIO) : SystemError(call: "pwrite"))
            }
        }
        return (written, nil)
    }

    @discardableResult
    func truncate(to size: Int) -> Bool {
        ftruncate(descriptor, off_t(size)) == 0
    }

    /// Deletes the file, or at least empties it.
    ///
    /// - Returns: false if neither was possible, so that its events are still there.
    func remove() -> Bool {
        unlinkat(directory.descriptor, name, 0) == 0 || truncate(to: 0)
    }

    /// Gives the file a name by which it is no segment any more.
    func setAside() -> Bool {
        let aside = name + SpoolSegmentName.corruptSuffix
        return !directory.exists(aside)
            && renameat(directory.descriptor, name, directory.descriptor, aside) == 0
    }
}
