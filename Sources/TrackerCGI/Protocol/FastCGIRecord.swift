/// Constants of the FastCGI specification, version 1.0.
enum FastCGIRecord {
    static let version: UInt8 = 1
    static let headerBytes = 8
    /// The longest content that keeps the next record aligned to 8 bytes; the format allows 65,535.
    static let maximumContentBytes = 65_528
    static let keepConnectionFlag: UInt8 = 1
    static let responderRole: UInt16 = 1

    enum Kind: UInt8 {
        case beginRequest = 1
        case abortRequest = 2
        case endRequest = 3
        case params = 4
        case stdin = 5
        case stdout = 6
        case stderr = 7
        case data = 8
        case getValues = 9
        case getValuesResult = 10
        case unknownType = 11
    }

    /// The protocol status of END_REQUEST (section 5.5).
    enum ProtocolStatus: UInt8 {
        case requestComplete = 0
        case cannotMultiplex = 1
        case overloaded = 2
        case unknownRole = 3
    }

    struct Header: Equatable {
        var version: UInt8
        var type: UInt8
        var requestID: UInt16
        var contentLength: Int
        var paddingLength: Int
    }
}

/// The name-value encoding of FastCGI (section 3.4).
enum FastCGINameValues {
    /// Decodes all pairs; nil if a length points past the end.
    static func decode(_ bytes: [UInt8]) -> CGIVariables? {
        var entries: [CGIVariables.Entry] = []
        entries.reserveCapacity(32)
        let isComplete = bytes.withUnsafeBytes { buffer in
            var cursor = ByteCursor(buffer)
            while !cursor.isAtEnd {
                guard let nameLength = cursor.nameValueLength(), let valueLength = cursor.nameValueLength() else {
                    return false
                }
                let nameStart = cursor.position
                guard cursor.skip(nameLength) else { return false }
                let valueStart = cursor.position
                guard cursor.skip(valueLength) else { return false }
                entries.append(
                    CGIVariables.Entry(nameStart: nameStart, valueStart: valueStart, valueEnd: cursor.position))
            }
            return true
        }
        return isComplete ? CGIVariables(bytes: bytes, entries: entries) : nil
    }

    static func append(name: String, value: String, to bytes: inout [UInt8]) {
        for length in [name.utf8.count, value.utf8.count] {
            if length < 0x80 {
                bytes.append(UInt8(length))
            } else {
                let length = UInt32(clamping: length) | 0x8000_0000
                for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
            }
        }
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: value.utf8)
    }
}
