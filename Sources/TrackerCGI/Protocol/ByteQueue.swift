/// A FIFO queue of bytes.
struct ByteQueue: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { start == bytes.count }

    /// Reserves capacity for a known length; incremental growth would take up to three times as much memory.
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

    mutating func takeAll() -> [UInt8] { take(upTo: count) }
}

/// A bounds-checked reader of bytes.
///
/// It must not outlive the buffer it was made from.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - position }
    var isAtEnd: Bool { position == bytes.count }

    /// Reads the next byte; nil at the end.
    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// Reads two bytes, big-endian; nil if fewer are left.
    mutating func uint16() -> UInt16? {
        guard remaining >= 2 else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    /// Takes at most `maximum` bytes; fewer at the end.
    mutating func take(upTo maximum: Int) -> UnsafeRawBufferPointer {
        let count = min(max(0, maximum), remaining)
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }

    /// Skips bytes.
    ///
    /// - Returns: false, without moving, if there are fewer.
    mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, count <= remaining else { return false }
        position += count
        return true
    }

    /// Reads a length of the name-value format (section 3.4): one byte, or four with the highest bit set.
    mutating func nameValueLength() -> Int? {
        guard let first = byte() else { return nil }
        if first < 0x80 { return Int(first) }
        guard let second = byte(), let low = uint16() else { return nil }
        return Int(first & 0x7F) << 24 | Int(second) << 16 | Int(low)
    }
}
