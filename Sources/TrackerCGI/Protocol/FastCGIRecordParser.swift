/// Splits a byte stream into records, however it is fragmented (section 3.3).
///
/// Content is passed on as it arrives; the parser buffers no more than a record's header.
struct FastCGIRecordParser {
    enum Token {
        case begin(FastCGIRecord.Header)
        /// Part of the current record's content.
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
    /// The header bytes received so far, most significant first.
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

    /// Returns the next token; nil if more bytes are needed.
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
