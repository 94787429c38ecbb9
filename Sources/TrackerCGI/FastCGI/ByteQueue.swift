/// Bytes that wait for their reader, first in, first out.
struct ByteQueue: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { start == bytes.count }

    /// Makes room at once where the length is known: growing would take up to three times of it.
    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        if start > 16_384, start > bytes.count / 2 {
            bytes.removeSubrange(0..<start)
            start = 0
        }
        bytes.append(contentsOf: piece)
    }

    /// Takes at most `maximum` bytes off the front.
    mutating func take(upTo maximum: Int) -> [UInt8] {
        let end = start + min(max(0, maximum), count)
        if start == 0, end == bytes.count {
            defer { bytes = [] }
            return bytes
        }
        let piece = Array(bytes[start..<end])
        start = end
        if isEmpty {
            bytes = []
            start = 0
        }
        return piece
    }

    /// Takes everything.
    mutating func takeAll() -> [UInt8] { take(upTo: count) }
}
