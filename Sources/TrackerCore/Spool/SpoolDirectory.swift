import CLibrary
import CPlatform

/// The open spool directory. All access goes through its descriptor, so that replacing a component of the path later
/// cannot redirect it.
final class SpoolDirectory {
    /// One segment in a listing.
    struct Entry: Equatable {
        var name: String
        var bytes: Int
    }

    struct Listing {
        /// Oldest first.
        var segments: [Entry] = []
        /// Files set aside as `*.corrupt`.
        var corruptCount = 0
        /// Names of segments not yet locked when the directory was read.
        var unlocked: [String] = []
        var totalBytes = 0
    }

    /// Bounds memory if something fills the directory; the rest is listed once others are gone.
    private static let maximumListed = 65_536

    let path: String
    let descriptor: Int32
    private let device: UInt64
    private let inode: UInt64

    /// Checks a directory as it is configured. At the start, an unusable one is a configuration error; later it is a
    /// disk error.
    static func check(_ path: String) throws(ConfigurationError) {
        do throws(SpoolError) {
            _ = try SpoolDirectory(path: path)
        } catch {
            throw .unusable(variable: "RA_SPOOL_DIRECTORY", value: path, remedy: "\(error)")
        }
    }

    /// Opens the directory; creates it and missing parents with mode 0700.
    init(path given: String) throws(SpoolError) {
        var path = given
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard !path.isEmpty, !path.utf8.contains(0) else { throw .invalidPath(given) }
        // The program may change its working directory later.
        if !path.hasPrefix("/") {
            guard let working = getcwd(nil, 0) else { throw .cannotOpen(path: path, SystemError(call: "getcwd")) }
            path = String(cString: working) + "/" + path
            free(working)
        }
        // Try to open it before creating it: an existing directory needs no write permission on its parent.
        var opened = Self.open(path)
        if opened < 0, errno == ENOENT {
            try Self.create(path)
            opened = Self.open(path)
        }
        guard opened >= 0 else {
            let failure = SystemError(call: "open")
            switch failure.code {
            case ELOOP, ENOTDIR, EMLINK: throw .notADirectory(path: path)
            default: throw .cannotOpen(path: path, failure)
            }
        }
        var status = stat()
        do {
            status = try Self.check(opened, path: path)
        } catch {
            _ = close(opened)
            throw error
        }
        self.path = path
        descriptor = opened
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        cplatform_keep_private(descriptor)
    }

    deinit {
        cplatform_forget_private(descriptor)
        _ = close(descriptor)
    }

    private static func open(_ path: String) -> Int32 {
        openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }

    private static func create(_ path: String) throws(SpoolError) {
        var end = path.utf8.startIndex
        while end < path.utf8.endIndex {
            end = path.utf8[path.utf8.index(after: end)...].firstIndex(of: UInt8(ascii: "/")) ?? path.utf8.endIndex
            if mkdir(String(path[..<end]), 0o700) == 0 || errno == EEXIST { continue }
            // For an existing parent, mkdir may fail with another error (a read-only file system, no permission).
            let failure = SystemError(call: "mkdir")
            var status = stat()
            if fstatat(AT_FDCWD, String(path[..<end]), &status, 0) == 0 { continue }
            throw .cannotCreate(path: path, failure)
        }
    }

    /// Rejects a directory of another user, and removes other users' access.
    private static func check(_ descriptor: Int32, path: String) throws(SpoolError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .cannotOpen(path: path, SystemError(call: "fstat")) }
        let user = geteuid()
        guard status.st_uid == user else {
            throw .foreignOwner(path: path, owner: status.st_uid, user: user)
        }
        // Changing the mode of a directory such as /tmp would lock out all other users.
        guard status.st_mode & S_ISVTX == 0 else { throw .shared(path: path) }
        if status.st_mode & 0o077 != 0, fchmod(descriptor, 0o700) != 0 {
            let failure = SystemError(call: "fchmod")
            throw .accessible(path: path, mode: UInt32(status.st_mode & 0o7777), failure)
        }
        return status
    }

    /// Whether the path still leads to this directory: false after it was deleted, moved or replaced.
    var isInPlace: Bool {
        var status = stat()
        return fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0
            && UInt64(truncatingIfNeeded: status.st_dev) == device
            && UInt64(truncatingIfNeeded: status.st_ino) == inode
    }

    /// Lists the segments in the directory; nil if it cannot be read.
    ///
    /// - Parameter bytesCounted: whether to read sizes, at one system call each. A file that is too large to be a
    ///   segment, or belongs to another user, is then left out.
    func list(bytesCounted: Bool) -> Listing? {
        // A new descriptor for each listing, since the read position belongs to it.
        let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { return nil }
        guard let stream = fdopendir(own) else {
            _ = close(own)
            return nil
        }
        defer { closedir(stream) }
        var listing = Listing()
        let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
        while let entry = readdir(stream) {
            // The entry is valid until the next readdir, and its name is NUL-terminated.
            let start = UnsafeRawPointer(entry) + nameOffset
            let name = UnsafeRawBufferPointer(
                start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
            if SpoolSegmentName.isCorrupt(name) {
                listing.corruptCount += 1
            } else if SpoolSegmentName.isUnlocked(name), listing.unlocked.count < Self.maximumListed {
                listing.unlocked.append(String(decoding: name, as: UTF8.self))
            } else if SpoolSegmentName.isSegment(name), listing.segments.count < Self.maximumListed {
                let text = String(decoding: name, as: UTF8.self)
                var bytes = 0
                if bytesCounted {
                    guard let size = regularFileSize(text), size <= SpoolFormat.maximumFileBytes else { continue }
                    bytes = size
                    listing.totalBytes += size
                }
                listing.segments.append(Entry(name: text, bytes: bytes))
            }
        }
        listing.segments.sort { $0.name < $1.name }
        return listing
    }

    @discardableResult
    func remove(_ name: String) -> Bool { unlinkat(descriptor, name, 0) == 0 }

    func exists(_ name: String) -> Bool {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
    }

    private func regularFileSize(_ name: String) -> Int? {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_uid == geteuid()
        else { return nil }
        return Int(clamping: status.st_size)
    }
}

/// The reason why a directory cannot be used as the spool. Each description says what to do.
package enum SpoolError: Error, Equatable, CustomStringConvertible {
    /// The path is empty or contains a NUL byte.
    case invalidPath(String)
    /// The path, or a parent of it, does not exist and could not be created.
    case cannotCreate(path: String, SystemError)
    /// The path's last component is a symbolic link or not a directory.
    case notADirectory(path: String)
    case cannotOpen(path: String, SystemError)
    /// The directory belongs to another user, who could read or replace its contents.
    case foreignOwner(path: String, owner: UInt32, user: UInt32)
    /// The directory is one that all users share, such as `/tmp`.
    case shared(path: String)
    /// Other users can enter the directory, and its mode could not be changed.
    case accessible(path: String, mode: UInt32, SystemError)

    package var description: String {
        switch self {
        case .invalidPath(let path):
            "The spool directory \"\(path)\" is not a usable path: give a path that is not empty and has no NUL byte."
        case .cannotCreate(let path, let failure):
            "The spool directory cannot be created at \(path) (\(failure)): "
                + "create it by hand for the user that runs this program, or choose another directory."
        case .notADirectory(let path):
            "The spool directory \(path) is a symbolic link or not a directory: "
                + "give the path of the directory itself."
        case .cannotOpen(let path, let failure):
            "The spool directory \(path) cannot be opened (\(failure)): "
                + "let the user that runs this program read, write and enter it, or choose another directory."
        case .foreignOwner(let path, let owner, let user):
            "The spool directory \(path) belongs to user \(owner), but this program runs as user \(user): "
                + "change its owner with chown, or choose another directory."
        case .shared(let path):
            "The spool directory \(path) is shared by all users: "
                + "choose a directory of its own inside it, such as \(path)/events."
        case .accessible(let path, let mode, let failure):
            "The spool directory \(path) is accessible to other users (mode 0\(String(mode, radix: 8))) "
                + "and its mode cannot be changed (\(failure)): set it to 0700, or choose another directory."
        }
    }
}
