/// Reads a web server's records as messages. Keeps no state about requests.
struct FastCGIMessageReader: Sendable {
    enum Message {
        /// BEGIN_REQUEST (section 5.1); nil if the record is too short.
        case begin(id: UInt16, Begin?)
        /// Part of a PARAMS record (section 5.2); `recordBytes` is the length of the record's whole content.
        case params(id: UInt16, UnsafeRawBufferPointer, recordBytes: Int)
        case endOfParams(id: UInt16)
        /// Part of a STDIN record (section 5.3).
        case body(id: UInt16, UnsafeRawBufferPointer)
        case endOfBody(id: UInt16)
        /// ABORT_REQUEST (section 5.4).
        case abort(id: UInt16)
        /// GET_VALUES (section 4.1), with the requested names.
        case getValues([UInt8])
        /// A management record of an unknown type (section 4.2).
        case unknownType(UInt8)
        /// A record of another protocol version.
        case otherVersion(UInt8)
    }

    struct Begin {
        var role: UInt16
        var keepsConnection: Bool
    }

    private var parser = FastCGIRecordParser()
    private var header = FastCGIRecord.Header(
        version: 0, type: 0, requestID: 0, contentLength: 0, paddingLength: 0)
    /// The content of a BEGIN_REQUEST or GET_VALUES record received so far.
    private var small: [UInt8] = []

    private static let beginBytes = 8

    /// True between two records.
    var isAtBoundary: Bool { parser.isAtBoundary }

    /// Returns the next message; nil if more bytes are needed.
    mutating func next(_ cursor: inout ByteCursor) -> Message? {
        while let event = parser.next(&cursor) {
            switch event {
            case .begin(let header):
                self.header = header
                guard header.version == FastCGIRecord.version else { return .otherVersion(header.version) }
            case .content(let piece): if let message = content(piece) { return message }
            case .end:
                defer { small = [] }
                if let message = end() { return message }
            }
        }
        return nil
    }

    private mutating func content(_ piece: UnsafeRawBufferPointer) -> Message? {
        let isManagement = header.requestID == 0
        switch FastCGIRecord.Kind(rawValue: header.type) {
        case .beginRequest: small.append(contentsOf: piece.prefix(Self.beginBytes - min(Self.beginBytes, small.count)))
        case .getValues: if isManagement { small.append(contentsOf: piece) }
        case .params:
            if !isManagement { return .params(id: header.requestID, piece, recordBytes: header.contentLength) }
        case .stdin: if !isManagement { return .body(id: header.requestID, piece) }
        case .abortRequest, .endRequest, .stdout, .stderr, .data, .getValuesResult, .unknownType, nil: break
        }
        return nil
    }

    private func end() -> Message? {
        let id = header.requestID
        let kind = FastCGIRecord.Kind(rawValue: header.type)
        if id == 0 {
            switch kind {
            case .getValues: return .getValues(small)
            case .getValuesResult, .unknownType, nil: return .unknownType(header.type)
            case .beginRequest, .abortRequest, .endRequest, .params, .stdin, .stdout, .stderr, .data: return nil
            }
        }
        switch kind {
        case .beginRequest: return .begin(id: id, begin)
        // An empty record ends a stream (section 3.3).
        case .params: return header.contentLength == 0 ? .endOfParams(id: id) : nil
        case .stdin: return header.contentLength == 0 ? .endOfBody(id: id) : nil
        case .abortRequest: return .abort(id: id)
        case .endRequest, .stdout, .stderr, .data, .getValues, .getValuesResult, .unknownType, nil: return nil
        }
    }

    private var begin: Begin? {
        guard header.contentLength >= Self.beginBytes else { return nil }
        return small.withUnsafeBytes { bytes in
            var cursor = ByteCursor(bytes)
            guard let role = cursor.uint16(), let flags = cursor.byte() else { return nil }
            return Begin(role: role, keepsConnection: flags & FastCGIRecord.keepConnectionFlag != 0)
        }
    }
}
