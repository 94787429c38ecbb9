import CLibrary
import DemoServer
import TrackerCore

/// A file of events that outlives the program: a header line, then one event per line.
///
/// Events are appended until there are twice as many as wanted; then a new file with the wanted ones replaces it. A
/// line torn by the end of a process is cut off when the file is opened next. Not thread-safe.
package struct EventStore: ~Copyable, Sendable {
    package let path: String
    /// The number of wanted lines that are not valid events.
    package private(set) var unreadable = 0
    let keep: Int

    private var descriptor: Int32
    private var size = 0
    private var lines = 0
    private var loaded: [KeptEvent] = []

    /// Opens the file, or creates it.
    ///
    /// - Parameters:
    ///   - keep: how many events are wanted.
    ///   - isForced: whether the store may shrink, or get its missing header line.
    /// - Throws: if the file is not a store, is in use, or would lose events. It is left unchanged.
    package static func open(path: String, keep: Int, isForced: Bool = false) throws(StoreError) -> EventStore {
        var store = EventStore(path: path, keep: keep, descriptor: try openDescriptor(path))
        try store.load(isForced: isForced)
        return store
    }

    private init(path: String, keep: Int, descriptor: Int32) {
        self.path = path
        self.keep = keep
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    private mutating func load(isForced: Bool) throws(StoreError) {
        let beginning = try read(upTo: Self.longestFirstLine)
        if beginning.isEmpty {
            let header = StoreFormat.header(keep: keep)
            if let failure = StoreFile.write(header, to: descriptor, at: 0).failure {
                throw StoreError(path: path, reason: .system(failure))
            }
            size = header.count
            return
        }
        // A file that is not a store may be of any size, so its beginning is checked first.
        let first = beginning.prefix { $0 != 0x0A }
        let header = StoreFormat.header(of: first)
        guard first.count < beginning.count, header != nil || isForced && KeptEvent(stored: first) != nil else {
            let isOld = KeptEvent(stored: first) != nil
            throw StoreError(path: path, reason: isOld ? .oldStore : .notAStore)
        }
        let bytes = try read(upTo: .max)
        let complete = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let stored = bytes[..<complete].split(separator: 0x0A).dropFirst(header == nil ? 0 : 1)
        if let header, keep < header.keep, stored.count > keep, !isForced {
            throw StoreError(path: path, reason: .shrinks(events: min(stored.count, header.keep), keep: keep))
        }
        let wanted = stored.suffix(keep)
        loaded = wanted.compactMap { KeptEvent(stored: $0) }
        unreadable = wanted.count - loaded.count
        guard header?.keep == keep else {
            do throws(SystemError) {
                try replace(with: loaded)
            } catch {
                throw StoreError(path: path, reason: .system(error))
            }
            return
        }
        guard complete == bytes.count || ftruncate(descriptor, off_t(complete)) == 0 else {
            throw StoreError(path: path, reason: .system(SystemError(call: "ftruncate")))
        }
        size = complete
        lines = stored.count
    }

    /// Enough for an event's line of 64 KiB and its project.
    private static let longestFirstLine = 128 << 10

    private func read(upTo limit: Int) throws(StoreError) -> [UInt8] {
        do throws(SystemError) {
            return try StoreFile.read(descriptor, upTo: limit)
        } catch {
            throw StoreError(path: path, reason: .system(error))
        }
    }

    /// Takes the events that were in the file, at most `keep`. Later calls return none.
    mutating func takeLoaded() -> [KeptEvent] {
        defer { loaded = [] }
        return loaded
    }

    // MARK: Writing

    /// Whether appending the events requires a new file.
    func isFull(for count: Int) -> Bool { lines + count > 2 * keep || size > 2 * EventHistory.maximumBytes }

    /// Appends as many events as the disk takes, in whole lines only.
    ///
    /// - Returns: how many were appended, and why not all.
    mutating func append(_ events: ArraySlice<KeptEvent>) -> (count: Int, failure: SystemError?) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(events.reduce(0) { $0 + $1.line.count + 64 })
        var ends: [Int] = []
        ends.reserveCapacity(events.count)
        for event in events {
            event.store(into: &bytes)
            ends.append(bytes.count)
        }
        let (written, failure) = StoreFile.write(bytes, to: descriptor, at: size)
        let count = ends.prefix { $0 <= written }.count
        size += count > 0 ? ends[count - 1] : 0
        lines += count
        // A partial line must not stay in front of the next.
        if failure != nil { _ = ftruncate(descriptor, off_t(size)) }
        return (count, failure)
    }

    /// Replaces the file with a new one. The old one stays until the new one is complete.
    mutating func replace(with events: [KeptEvent]) throws(SystemError) {
        let temporary = path + ".new"
        let kept = events.suffix(keep)
        var bytes = StoreFormat.header(keep: keep)
        for event in kept { event.store(into: &bytes) }
        let new = StoreFile.open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW)
        guard new >= 0 else { throw SystemError(call: "open") }
        do throws(SystemError) {
            guard flock(new, LOCK_EX | LOCK_NB) == 0 else { throw SystemError(call: "flock") }
            if let failure = StoreFile.write(bytes, to: new, at: 0).failure { throw failure }
            guard fsync(new) == 0 else { throw SystemError(call: "fsync") }
            guard rename(temporary, path) == 0 else { throw SystemError(call: "rename") }
        } catch {
            _ = close(new)
            _ = unlink(temporary)
            throw error
        }
        _ = close(descriptor)
        descriptor = new
        size = bytes.count
        lines = kept.count
    }

    // MARK: Where the file is

    /// What the path refers to now.
    enum Place { case there, removed, anotherFile }

    var place: Place {
        var own = stat()
        var named = stat()
        guard fstat(descriptor, &own) == 0 else { return .there }
        guard stat(path, &named) == 0 else { return errno == ENOENT || errno == ENOTDIR ? .removed : .there }
        return own.st_ino == named.st_ino && own.st_dev == named.st_dev ? .there : .anotherFile
    }

    private static func openDescriptor(_ path: String) throws(StoreError) -> Int32 {
        let descriptor = StoreFile.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw StoreError(path: path, reason: .system(SystemError(call: "open"))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            _ = close(descriptor)
            throw StoreError(path: path, reason: .notAFile)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = close(descriptor)
            throw StoreError(path: path, reason: .inUse)
        }
        return descriptor
    }
}

/// The store that is used when no file is named: a file in a private folder below the temporary directory.
package enum TemporaryStore {
    /// - Parameters:
    ///   - program: the program that receives the events.
    ///   - port: the port it listens on; each port has its own file.
    package static func open(program: String, port: UInt16, keep: Int) throws(StoreError) -> EventStore {
        let folder = "\(parent)/rigidanalytics-\(getuid())"
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw StoreError(path: folder, reason: .system(SystemError(call: "mkdir")))
        }
        // Anyone can create a folder of this name; it is used only if nobody else has access to it.
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(),
            status.st_mode & 0o077 == 0
        else { throw StoreError(path: folder, reason: .unsafeFolder) }
        return try EventStore.open(path: "\(folder)/\(program)-\(port).ndjson", keep: keep)
    }

    private static var parent: String {
        guard let value = getenv("TMPDIR") else { return "/tmp" }
        let path = String(cString: value)
        let trimmed = path.hasSuffix("/") ? String(path.dropLast()) : path
        return trimmed.hasPrefix("/") && !trimmed.isEmpty ? trimmed : "/tmp"
    }
}
