import CLibrary

/// Writes all of the given bytes to a file descriptor.
package enum FileOutput {
    /// - Returns: false if writing fails, for example because the other end is closed.
    @discardableResult
    package static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                writeBytes(descriptor, raw.baseAddress.map { $0 + sent }, raw.count - sent)
            }
            if count > 0 { sent += count } else if count == 0 || errno != EINTR { return false }
        }
        return true
    }

    package static func close(_ descriptor: Int32) { closeDescriptor(descriptor) }
}

private func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }

private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
