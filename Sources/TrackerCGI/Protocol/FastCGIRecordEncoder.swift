/// Encodes records into one reused buffer.
struct FastCGIRecordEncoder: Sendable {
    private(set) var bytes: [UInt8] = []

    /// Empties the buffer, and frees the memory of a large response.
    mutating func reset() {
        if bytes.capacity > 256 << 10 {
            bytes = []
        } else {
            bytes.removeAll(keepingCapacity: true)
        }
    }

    /// A record that no web server accepts: its version is 0.
    static let brokenRecord: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]

    /// Takes the bytes out of the buffer.
    mutating func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    /// Appends a stream's data in as many records as needed. Appends nothing for empty data: an empty record ends the
    /// stream.
    mutating func appendStream(_ kind: FastCGIRecord.Kind, id: UInt16, _ data: UnsafeRawBufferPointer) {
        var cursor = ByteCursor(data)
        while !cursor.isAtEnd {
            let piece = cursor.take(upTo: FastCGIRecord.maximumContentBytes)
            let padding = (8 - piece.count & 7) & 7
            appendHeader(kind, id: id, contentLength: piece.count, paddingLength: padding)
            bytes.append(contentsOf: piece)
            appendZeros(padding)
        }
    }

    mutating func appendStream(_ kind: FastCGIRecord.Kind, id: UInt16, _ data: [UInt8]) {
        data.withUnsafeBytes { appendStream(kind, id: id, $0) }
    }

    /// Ends a stream with an empty record.
    mutating func appendStreamEnd(_ kind: FastCGIRecord.Kind, id: UInt16) {
        appendHeader(kind, id: id, contentLength: 0, paddingLength: 0)
    }

    /// Ends a request (section 5.5).
    mutating func appendEndRequest(id: UInt16, _ status: FastCGIRecord.ProtocolStatus) {
        appendHeader(.endRequest, id: id, contentLength: 8, paddingLength: 0)
        // The application status is 0: a 500 page is a response like any other.
        appendZeros(4)
        bytes.append(status.rawValue)
        appendZeros(3)
    }

    /// Answers a management record of an unknown type (section 4.2).
    mutating func appendUnknownType(_ type: UInt8) {
        appendHeader(.unknownType, id: 0, contentLength: 8, paddingLength: 0)
        bytes.append(type)
        appendZeros(7)
    }

    mutating func appendGetValuesResult(_ pairs: [UInt8]) {
        appendHeader(.getValuesResult, id: 0, contentLength: min(pairs.count, 65_535), paddingLength: 0)
        bytes.append(contentsOf: pairs.prefix(65_535))
    }

    private mutating func appendHeader(
        _ kind: FastCGIRecord.Kind, id: UInt16, contentLength: Int, paddingLength: Int
    ) {
        let length = UInt16(clamping: contentLength)
        bytes.append(FastCGIRecord.version)
        bytes.append(kind.rawValue)
        bytes.append(UInt8(truncatingIfNeeded: id >> 8))
        bytes.append(UInt8(truncatingIfNeeded: id))
        bytes.append(UInt8(truncatingIfNeeded: length >> 8))
        bytes.append(UInt8(truncatingIfNeeded: length))
        bytes.append(UInt8(clamping: paddingLength))
        bytes.append(0)
    }

    private mutating func appendZeros(_ count: Int) {
        for _ in 0..<count { bytes.append(0) }
    }
}
