/// The CRC-32 of Ethernet, gzip and PNG (reflected polynomial 0xEDB88320), eight bytes at a step.
struct CRC32: Sendable {
    /// Table k tells what a byte does to the checksum when k more bytes follow it; table k begins at `k * 256`.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var remainder = UInt32(byte)
            for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xEDB8_8320 : remainder >> 1 }
            tables[byte] = remainder
        }
        for index in 256..<(8 * 256) {
            let shorter = tables[index - 256]
            tables[index] = shorter >> 8 ^ tables[Int(shorter & 0xFF)]
        }
        return tables
    }()

    static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { tables -> UInt32 in
            var remainder = ~UInt32(0)
            var position = 0
            // Every index is a table's number times 256 plus one byte, so below 8 * 256.
            while bytes.count - position >= 8 {
                let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian
                let first = UInt32(truncatingIfNeeded: word) ^ remainder
                let second = UInt32(truncatingIfNeeded: word >> 32)
                remainder =
                    tables[1792 + Int(first & 0xFF)] ^ tables[1536 + Int(first >> 8 & 0xFF)]
                    ^ tables[1280 + Int(first >> 16 & 0xFF)] ^ tables[1024 + Int(first >> 24)]
                remainder ^=
                    tables[768 + Int(second & 0xFF)] ^ tables[512 + Int(second >> 8 & 0xFF)]
                    ^ tables[256 + Int(second >> 16 & 0xFF)] ^ tables[Int(second >> 24)]
                position += 8
            }
            while position < bytes.count {
                remainder = remainder >> 8 ^ tables[Int((remainder ^ UInt32(bytes[position])) & 0xFF)]
                position += 1
            }
            return ~remainder
        }
    }
}

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
