/// Bytes that somebody else may have written: every read is checked, and gives nil outside of them.
///
/// It borrows the memory: use it only within the closure that lent the buffer.
struct CheckedBytes {
    private let buffer: UnsafeRawBufferPointer

    init(_ buffer: UnsafeRawBufferPointer) {
        self.buffer = buffer
    }

    var count: Int { buffer.count }

    /// A part of the bytes, or nil if it does not lie within them entirely.
    func slice(at position: Int, count length: Int) -> UnsafeRawBufferPointer? {
        guard position >= 0, length >= 0, position <= buffer.count, length <= buffer.count - position else {
            return nil
        }
        return UnsafeRawBufferPointer(rebasing: buffer[position..<position + length])
    }

    /// Little-endian.
    func integer<Value: FixedWidthInteger>(at position: Int, as type: Value.Type = Value.self) -> Value? {
        guard let part = slice(at: position, count: MemoryLayout<Value>.size) else { return nil }
        return Value(littleEndian: part.loadUnaligned(as: Value.self))
    }
}
