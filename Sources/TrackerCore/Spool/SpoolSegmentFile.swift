import CLibrary
import CPlatform

// The type below has a method named `close`.
private let closeDescriptor: @Sendable (Int32) -> Int32 = close

/// A segment file held by this object: open, locked, and verified to be the file of that name.
///
/// The lock is that of flock(2). It belongs to the open file, not to the process as POSIX record locks do: two spools
/// in one process exclude each other, closing another descriptor of the file does not release it, and the end of the
/// process does.
final class SpoolSegmentFile {
    let name: String
    let directory: SpoolDirectory
    private var descriptor: Int32

    private init(name: String, directory: SpoolDirectory, descriptor: Int32) {
        self.name = name
        self.directory = directory
        self.descriptor = descriptor
        // A forked child must not keep the lock after its parent's death.
        cplatform_keep_private(descriptor)
    }

    deinit { close() }

    /// Unlocks and closes the file; later calls on it fail.
    func close() {
        guard descriptor >= 0 else { return }
        // Unlocked explicitly: a child between fork and exec may keep the descriptor a moment longer.
        _ = flock(descriptor, LOCK_UN)
        cplatform_forget_private(descriptor)
        _ = closeDescriptor(descriptor)
        descriptor = -1
    }

    /// Creates an empty segment that nobody else can take: it is locked before it gets its name.
    ///
    /// If it had that name from the start, another process could lock it first. Under load, where each change of a
    /// directory wakes the processes waiting to read it, that happened to hundreds of files in a row.
    static func create(_ name: String, in directory: SpoolDirectory) -> Result<SpoolSegmentFile, SystemError> {
        let unlocked = name + SpoolSegmentName.unlockedSuffix
        let descriptor = openat(
            directory.descriptor, unlocked, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { return .failure(SystemError(call: "openat")) }
        let file = SpoolSegmentFile(name: name, directory: directory, descriptor: descriptor)
        var failure: SystemError?
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            failure = SystemError(call: "flock")
        } else if directory.exists(name) {
            failure = SystemError(call: "renameat", code: EEXIST)
        } else if renameat(directory.descriptor, unlocked, directory.descriptor, name) != 0 {
            failure = SystemError(call: "renameat")
        }
        guard let failure else { return .success(file) }
        directory.remove(unlocked)
        return .failure(failure)
    }

    /// Opens and locks a segment. Never blocks, neither on the lock nor on the other end of a FIFO.
    ///
    /// - Returns: nil if another live writer or reader holds it, it is gone, or it is not a regular file of this user.
    static func open(_ name: String, in directory: SpoolDirectory) -> SpoolSegmentFile? {
        let descriptor = openat(directory.descriptor, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = closeDescriptor(descriptor)
            return nil
        }
        let file = SpoolSegmentFile(name: name, directory: directory, descriptor: descriptor)
        // Its holder may have removed or renamed it between open and lock.
        var status = stat()
        var named = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_nlink > 0, fstatat(directory.descriptor, name, &named, AT_SYMLINK_NOFOLLOW) == 0,
            named.st_ino == status.st_ino, named.st_dev == status.st_dev
        else { return nil }
        if status.st_mode & 0o077 != 0 { _ = fchmod(descriptor, 0o600) }
        return file
    }

    /// The file's size; nil if it is unlinked, so that what is written to it would be lost.
    var sizeIfLinked: Int? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_nlink > 0 else { return nil }
        return Int(clamping: status.st_size)
    }

    /// Reads the first `count` bytes, or fewer if the file is shorter; nil on an error.
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

    /// Writes all bytes, or as many as it can before an error.
    ///
    /// - Returns: the bytes written from the start of `bytes`, and the error.
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
        directory.remove(name) || truncate(to: 0)
    }

    /// Renames the file so that it is no longer a segment.
    func setAside() -> Bool {
        let aside = name + SpoolSegmentName.corruptSuffix
        return !directory.exists(aside)
            && renameat(directory.descriptor, name, directory.descriptor, aside) == 0
    }
}

/// Segment file names: `<time>-<process>-<random>.spool`, in fixed-width hexadecimal, so that sorting by name sorts by
/// creation time.
enum SpoolSegmentName {
    static let byteCount = 16 + 1 + 8 + 1 + 8 + 6
    static let corruptSuffix = ".corrupt"
    /// The suffix of a segment that its creator has not locked yet.
    static let unlockedSuffix = ".new"

    private static let ending: [UInt8] = Array(".spool".utf8)

    /// - Parameter nanoseconds: since 1970.
    static func make(nanoseconds: UInt64, process: UInt32, random: UInt32) -> String {
        "\(hexadecimal(nanoseconds, digits: 16))-\(hexadecimal(UInt64(process), digits: 8))"
            + "-\(hexadecimal(UInt64(random), digits: 8)).spool"
    }

    static func isSegment(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count == byteCount, name.suffix(6).elementsEqual(ending) else { return false }
        return name.prefix(byteCount - 6).enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "-"): index == 16 || index == 25
            default: ASCII.isLowercaseHexDigit(byte) && index != 16 && index != 25
            }
        }
    }

    /// Whether the name is that of a segment set aside.
    static func isCorrupt(_ name: UnsafeRawBufferPointer) -> Bool {
        isSegment(name, followedBy: corruptSuffix)
    }

    /// Whether the name is that of a segment not locked yet.
    static func isUnlocked(_ name: UnsafeRawBufferPointer) -> Bool {
        isSegment(name, followedBy: unlockedSuffix)
    }

    private static func isSegment(_ name: UnsafeRawBufferPointer, followedBy suffix: String) -> Bool {
        name.count == byteCount + suffix.utf8.count && name.dropFirst(byteCount).elementsEqual(suffix.utf8)
            && isSegment(UnsafeRawBufferPointer(rebasing: name.prefix(byteCount)))
    }

    /// The creation time in a segment's name, in nanoseconds since 1970; nil if there is none.
    static func nanoseconds(of name: String) -> UInt64? { UInt64(name.prefix(16), radix: 16) }

    private static func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
