import CLibrary

/// A pipe that wakes a waiting thread; neither end ever blocks.
package final class WakePipe: Sendable {
    package let readEnd: Descriptor
    package let writeEnd: Descriptor

    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError(call: "pipe") }
        readEnd = Descriptor(ends[0])
        writeEnd = Descriptor(ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
        }
    }

    /// Writes one byte. A full pipe wakes the reader anyway.
    package func write(_ byte: UInt8) {
        var byte = byte
        _ = CLibrary.write(writeEnd.number, &byte, 1)
    }

    /// Takes what was written.
    @discardableResult
    package func drain() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(readEnd.number, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }
}
