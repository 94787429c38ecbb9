import CLibrary
import TrackerCore

/// The system calls of a store.
enum StoreFile {
    static func open(_ path: String, _ flags: Int32) -> Int32 { openFile(path, flags) }

    /// Reads a file from its beginning.
    static func read(_ descriptor: Int32, upTo limit: Int) throws(SystemError) -> [UInt8] {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError(call: "fstat") }
        var code: Int32 = 0
        let count = min(limit, Int(clamping: status.st_size))
        // Filled in place: `filled` never exceeds `count`, the requested capacity.
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

/// The store's format: a header line, then one event per line.
enum StoreFormat {
    /// The content of the header line.
    struct Header: Equatable {
        /// How many events were wanted when the file was created.
        var keep: Int
    }

    private static let name = "rigidanalytics-events"

    static func header(keep: Int) -> [UInt8] {
        Array("{\"format\":\"\(name)\",\"version\":1,\"keep\":\(keep)}\n".utf8)
    }

    /// - Parameter line: without its line break.
    /// - Returns: nil if the line is not the header of a store.
    static func header(of line: ArraySlice<UInt8>) -> Header? {
        guard line.count < 200, let value = try? JSONReader.read(line), value["format"] == .string(name),
            value["version"] == .integer(1), case .integer(let keep)? = value["keep"], keep > 0
        else { return nil }
        return Header(keep: Int(clamping: keep))
    }
}
