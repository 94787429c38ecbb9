/// The layout of a segment file. All integers are little-endian.
///
///     file header, 16 bytes           record, 48 bytes and the body
///      0  magic              8         0  mark                          4
///      8  version            4         4  record magic                  4
///     12  CRC-32 of 0..<12   4         8  length of the body            4
///                                     12  time of capture, ns           8
///                                     20  identifier                   16
///                                     36  first line of a part          2
///                                     38  lines of a part, 0: whole     2
///                                     40  CRC-32 of the body            4
///                                     44  CRC-32 of 4..<44              4
///
/// Neither checksum covers the mark. It is changed in place when a record is delivered before the others of its
/// segment, and when its lines begin to be sent one by one. No single flipped bit turns one mark into another, and an
/// unknown mark counts as pending.
///
/// Both magics contain bytes that never occur in UTF-8, so that no event's body can pass for a record when a reader
/// skips damage to find the next one.
enum SpoolFormat {
    static let fileMagic: [UInt8] = [0xF5, 0x52, 0x41, 0x53, 0x50, 0x4F, 0x4F, 0x4C]
    static let version: UInt32 = 2
    static let fileHeaderBytes = 16

    static let recordMagic: UInt32 = 0xFE4C_52F7
    static let recordHeaderBytes = 48
    static let recordMagicOffset = 4

    static let pendingMark: UInt32 = 0x444E_4550
    static let deliveredMark: UInt32 = 0x3155_2A2F
    /// Pending, and its lines are sent one by one, each under its own key: some may have been delivered.
    static let splitMark: UInt32 = 0x7B0C_91D8
    /// From the magic up to the header's own checksum.
    static let checkedHeaderBytes = 40

    static let maximumBodyBytes = 1 << 20
    /// No writer creates a larger file, so a larger one is not a segment, whatever its name.
    static let maximumFileBytes = 4 << 20

    /// The kind of file that the first bytes identify.
    enum Header: Equatable {
        /// An empty file or part of a header: the writer died while writing it.
        case unfinished
        case current
        /// A segment of another format version, left for a program that reads it.
        case otherVersion
        case foreign
    }

    static func readHeader(_ buffer: UnsafeRawBufferPointer) -> Header {
        let bytes = CheckedBytes(buffer)
        guard let checked = bytes.slice(at: 0, count: 12), let checksum = bytes.integer(at: 12, as: UInt32.self) else {
            return fileHeader.starts(with: buffer) ? .unfinished : .foreign
        }
        guard checked.starts(with: fileMagic), CRC32.checksum(of: checked) == checksum else { return .foreign }
        return bytes.integer(at: 8) == version ? .current : .otherVersion
    }

    static let fileHeader: [UInt8] = {
        var header = fileMagic
        append(version, to: &header)
        append(header.withUnsafeBytes { CRC32.checksum(of: $0) }, to: &header)
        return header
    }()

    static func encodedBytes(of record: SpoolRecord) -> Int {
        recordHeaderBytes + record.body.count
    }

    /// - Precondition: the body has at most `maximumBodyBytes`; the caller rejects larger ones.
    static func append(_ record: SpoolRecord, to buffer: inout [UInt8]) {
        let start = buffer.count
        append(pendingMark, to: &buffer)
        append(recordMagic, to: &buffer)
        append(UInt32(truncatingIfNeeded: record.body.count), to: &buffer)
        append(record.capturedAt, to: &buffer)
        append(record.key.identifier.high.bigEndian, to: &buffer)
        append(record.key.identifier.low.bigEndian, to: &buffer)
        // A whole parcel has none.
        let lines = record.key.lines ?? 0..<0
        append(lines.lowerBound, to: &buffer)
        append(UInt16(lines.count), to: &buffer)
        append(record.body.withUnsafeBytes { CRC32.checksum(of: $0) }, to: &buffer)
        let checksum = buffer.withUnsafeBytes { bytes in
            CheckedBytes(bytes).slice(at: start + recordMagicOffset, count: checkedHeaderBytes)
                .map { CRC32.checksum(of: $0) } ?? 0
        }
        append(checksum, to: &buffer)
        buffer.append(contentsOf: record.body)
    }

    static func append(_ value: some FixedWidthInteger, to buffer: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { buffer.append(contentsOf: $0) }
    }
}

/// The CRC-32 of Ethernet, gzip and PNG (reflected polynomial 0xEDB88320), eight bytes at a time.
struct CRC32: Sendable {
    /// Table k, at `k * 256`, gives a byte's effect on the checksum when k more bytes follow it.
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
            // Every index is a table number times 256 plus one byte, so below 8 * 256.
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

/// Bounds-checked access to untrusted bytes: a read outside them returns nil.
///
/// It borrows the memory: use it only within the closure that provides the buffer.
struct CheckedBytes {
    private let buffer: UnsafeRawBufferPointer

    init(_ buffer: UnsafeRawBufferPointer) {
        self.buffer = buffer
    }

    var count: Int { buffer.count }

    /// A part of the bytes; nil if it is not entirely within them.
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
