/// Reads bytes from front to back; every read is checked.
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

    /// The next byte; nil at the end.
    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// Two bytes, the higher one first.
    mutating func uint16() -> UInt16? {
        guard remaining >= 2 else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    /// As many bytes as there are, at most `maximum`.
    mutating func take(upTo maximum: Int) -> UnsafeRawBufferPointer {
        let count = min(max(0, maximum), remaining)
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }

    /// Passes over bytes.
    ///
    /// - Returns: false, and stays, if there are fewer.
    mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, count <= remaining else { return false }
        position += count
        return true
    }

    /// A length of the name-value format (section 3.4): one byte, or four with the highest bit set.
    mutating func nameValueLength() -> Int? {
        guard let first = byte() else { return nil }
        if first < 0x80 { return Int(first) }
        guard let second = byte(), let low = uint16() else { return nil }
        return Int(first & 0x7F) << 24 | Int(second) << 16 | Int(low)
    }
}
