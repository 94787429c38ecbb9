import CLibrary
import TrackerCore

/// The system calls of a store.
enum StoreFile {
    static func open(_ path: String, _ flags: Int32) -> Int32 { openFile(path, flags) }

    /// What is in a file, from its beginning.
    static func read(_ descriptor: Int32, upTo limit: Int) throws(SystemError) -> [UInt8] {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError(call: "fstat") }
        var code: Int32 = 0
        let count = min(limit, Int(clamping: status.st_size))
        // Filled in place: `filled` never exceeds `count`, which is the capacity asked for.
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            while filled < count {
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

    /// - Returns: how many bytes were written, and why not all.
    static func write(
        _ bytes: [UInt8], to descriptor: Int32, at offset: Int
    ) -> (written: Int, failure: SystemError?) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                pwrite(descriptor, raw.baseAddress.map { $0 + written }, raw.count - written, off_t(offset + written))
            }
            if count > 0 {
                written += count
            } else if count == 0 || errno != EINTR {
                return (written, count == 0 ? SystemError(call: "pwrite", code: EIO) : SystemError(call: "pwrite"))
            }
        }
        return (written, nil)
    }
}

private func openFile(_ path: String, _ flags: Int32) -> Int32 {
    open(path, flags, 0o600)
}
