/// Takes a stream of records apart, however it was cut into pieces (section 3.3).
///
/// Contents are handed on as they arrive; the parser itself keeps no more than a record's header.
struct FastCGIRecordParser {
    enum Token {
        case begin(FastCGIRecord.Header)
        /// A part of the content of the record that began last.
        case content(UnsafeRawBufferPointer)
        /// The content is complete.
        case end
    }

    private enum Step {
        case header
        case content
        case padding
    }

    private var step = Step.header
    private var header = FastCGIRecord.Header(
        version: 0, type: 0, requestID: 0, contentLength: 0, paddingLength: 0)
    /// The bytes of a header, highest first, as far as they have arrived.
    private var headerBits: UInt64 = 0
    private var headerCount = 0
    private var contentLeft = 0
    private var paddingLeft = 0

    /// True between two records.
    var isAtBoundary: Bool {
        switch step {
        case .header: headerCount == 0
        case .content: false
        case .padding: paddingLeft == 0
        }
    }

    /// The next token; nil if more bytes are needed.
    mutating func next(_ cursor: inout ByteCursor) -> Token? {
        while true {
            switch step {
            case .header:
                while headerCount < FastCGIRecord.headerBytes {
                    guard let byte = cursor.byte() else { return nil }
                    headerBits = headerBits << 8 | UInt64(byte)
                    headerCount += 1
                }
                header = FastCGIRecord.Header(
                    version: UInt8(truncatingIfNeeded: headerBits >> 56),
                    type: UInt8(truncatingIfNeeded: headerBits >> 48),
                    requestID: UInt16(truncatingIfNeeded: headerBits >> 32),
                    contentLength: Int(UInt16(truncatingIfNeeded: headerBits >> 16)),
                    paddingLength: Int(UInt8(truncatingIfNeeded: headerBits >> 8)))
                headerBits = 0
                headerCount = 0
                contentLeft = header.contentLength
                paddingLeft = header.paddingLength
                step = .content
                return .begin(header)
            case .content:
                if contentLeft == 0 {
                    step = .padding
                    return .end
                }
                if cursor.isAtEnd { return nil }
                let piece = cursor.take(upTo: contentLeft)
                contentLeft -= piece.count
                return .content(piece)
            case .padding:
                paddingLeft -= cursor.take(upTo: paddingLeft).count
                if paddingLeft > 0 { return nil }
                step = .header
            }
        }
    }
}
