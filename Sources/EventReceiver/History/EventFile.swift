import DemoServer
import Synchronization
import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Events in a file, one in each line, so that they outlive the program.
///
/// It is only ever appended to, up to twice as many events as are wanted; then a new file with the wanted ones takes its
/// place. A line that the end of a process has torn is cut off when the file is opened next.
package final class EventFile: Sendable {
    /// Why a file can't be used.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case system(path: String, SystemError)
        case inUse(path: String)
        case notAFile(path: String)

        package var description: String {
            switch self {
            case .system(let path, let error): "can't keep events in \(path): \(error)"
            case .inUse(let path): "can't keep events in \(path): another event handler uses it"
            case .notAFile(let path): "can't keep events in \(path): it is not a regular file"
            }
        }
    }

    private struct State {
        var descriptor: Int32
        var size: Int
        var lines: Int
        var loaded: [KeptEvent] = []
        var isFailing = false
    }

    package let path: String
    /// Lines that were no events, of those that are wanted.
    package let unreadable: Int
    private let keep: Int
    /// Held while the file is written: the lock is what gives the events one order in it.
    private let state: Mutex<State>

    /// - Parameter keep: how many events are wanted.
    package init(path: String, keep: Int) throws(Failure) {
        self.path = path
        self.keep = keep
        let descriptor = try Self.open(path)
        do throws(SystemError) {
            let bytes = try Self.read(descriptor)
            let complete = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            guard complete == bytes.count || ftruncate(descriptor, off_t(complete)) == 0 else {
                throw SystemError(call: "ftruncate")
            }
            let lines = bytes[..<complete].split(separator: 0x0A)
            let wanted = lines.suffix(keep)
            let loaded = wanted.compactMap { KeptEvent(stored: $0) }
            unreadable = wanted.count - loaded.count
            state = Mutex(State(descriptor: descriptor, size: complete, lines: lines.count, loaded: loaded))
        } catch {
            _ = close(descriptor)
            throw .system(path: path, error)
        }
    }

    deinit {
        state.withLock { _ = close($0.descriptor) }
    }

    /// The events that were there, at most as many as are wanted. They are handed over once.
    func takeLoaded() -> [KeptEvent] {
        state.withLock { state in
            defer { state.loaded = [] }
            return state.loaded
        }
    }

    /// Adds events to a history and to the file, in the same order. What the disk refuses is said once on standard
    /// error, and left out of the file.
    func append(_ events: [KeptEvent], to history: EventHistory) {
        state.withLock { state in
            history.append(events)
            do throws(SystemError) {
                if state.lines + events.count > 2 * keep || state.size > 2 * EventHistory.maximumBytes {
                    try rewrite(history.all, &state)
                } else {
                    let bytes = events.flatMap(\.stored)
                    try Self.write(bytes, to: state.descriptor, at: state.size)
                    state.size += bytes.count
                    state.lines += events.count
                }
                state.isFailing = false
            } catch {
                // Nothing of a line that did not fit may stay in front of the next.
                _ = ftruncate(state.descriptor, off_t(state.size))
                if !state.isFailing { StandardError.write("EventHandler can't write to \(path): \(error)") }
                state.isFailing = true
            }
        }
    }

    /// Puts a new file in the place of the old one. The old one stays until the new one is complete.
    private func rewrite(_ events: [KeptEvent], _ state: inout State) throws(SystemError) {
        let temporary = path + ".new"
        let bytes = events.suffix(keep).flatMap(\.stored)
        let descriptor = openFile(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SystemError(call: "open") }
        do throws(SystemError) {
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw SystemError(call: "flock") }
            try Self.write(bytes, to: descriptor, at: 0)
            guard fsync(descriptor) == 0 else { throw SystemError(call: "fsync") }
            guard rename(temporary, path) == 0 else { throw SystemError(call: "rename") }
        } catch {
            _ = close(descriptor)
            _ = unlink(temporary)
            throw error
        }
        _ = close(state.descriptor)
        state = State(descriptor: descriptor, size: bytes.count, lines: min(events.count, keep))
    }

    // MARK: System calls

    private static func open(_ path: String) throws(Failure) -> Int32 {
        let descriptor = openFile(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(path: path, SystemError(call: "open")) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            _ = close(descriptor)
            throw .notAFile(path: path)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = close(descriptor)
            throw .inUse(path: path)
        }
        return descriptor
    }

    private static func read(_ descriptor: Int32) throws(SystemError) -> [UInt8] {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError(call: "fstat") }
        var code: Int32 = 0
        let count = Int(clamping: status.st_size)
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count, let base = buffer.baseAddress {
                let got = pread(descriptor, base + filled, count - filled, off_t(filled))
                if got > 0 {
                    filled += got
                } else if got == 0 || errno != EINTR {
                    code = got == 0 ? 0 : errno
                    return
                }
            }
        }
        guard code == 0 else { throw SystemError(call: "pread", code: code) }
        return bytes
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, at offset: Int) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                pwrite(descriptor, raw.baseAddress.map { $0 + written }, raw.count - written, off_t(offset + written))
            }
            if count > 0 {
                written += count
            } else if count == 0 || errno != EINTR {
                throw count == 0 ? SystemError(call: "pwrite", code: EIO) : SystemError(call: "pwrite")
            }
        }
    }
}

private func openFile(_ path: String, _ flags: Int32) -> Int32 {
    open(path, flags, 0o600)
}
