import TrackerCore

extension CGIRequest {
    /// The whole body. If it is still arriving (CGI, and routes that stream), this blocks the thread.
    ///
    /// - Throws: `CGIRequestError`, for example if it is longer than the route accepts; the client gets its status.
    public var body: [UInt8] {
        get throws {
            switch content {
            case .collected(let bytes): return bytes
            case .failed(let error): throw error
            case .stream(let stream, let maximum):
                var collected: [UInt8] = []
                while true {
                    let piece = try stream.read(upTo: 65_536)
                    if piece.isEmpty { return keep(collected) }
                    try Self.append(piece, to: &collected, maximum: maximum)
                }
            }
        }
    }

    /// Returns the whole body, without blocking the thread.
    public func collectBody() async throws -> [UInt8] {
        switch content {
        case .collected(let bytes): return bytes
        case .failed(let error): throw error
        case .stream(let stream, let maximum):
            var collected: [UInt8] = []
            for try await piece in stream { try Self.append(piece, to: &collected, maximum: maximum) }
            return keep(collected)
        }
    }

    /// The body, piece by piece. On a route added with `body: .streamed()` the pieces come as they arrive.
    public var bodyStream: CGIBodyStream {
        switch content {
        case .collected(let bytes): return CGIBodyStream(bytes)
        case .stream(let stream, _): return stream
        case .failed(let error): return CGIBodyStream(read: { _ in throw error }, asyncRead: { _ in throw error })
        }
    }

    private var content: Body { state.withLock { $0.body } }

    func setBody(_ body: Body) { state.withLock { $0.body = body } }

    /// The error that keeps the request from being handled, if known before a handler runs.
    var failure: CGIRequestError? {
        if case .failed(let error) = content { return error }
        return nil
    }

    private func keep(_ bytes: [UInt8]) -> [UInt8] {
        setBody(.collected(bytes))
        return bytes
    }

    private static func append(_ piece: [UInt8], to bytes: inout [UInt8], maximum: Int) throws {
        guard piece.count <= maximum - bytes.count else { throw CGIRequestError.bodyTooLarge(maximumBytes: maximum) }
        bytes.append(contentsOf: piece)
    }

    /// The announced length of the body.
    enum AnnouncedLength: Equatable {
        case absent
        case bytes(Int)
        case invalid
    }

    /// `CONTENT_LENGTH` (RFC 3875, section 4.1.2): digits alone. Some servers send it empty if there is none.
    var announcedLength: AnnouncedLength {
        guard let index = variables.lastIndex(of: "CONTENT_LENGTH") else { return .absent }
        let digits = variables.valueBytes(at: index)
        if digits.isEmpty { return .absent }
        var value = 0
        for digit in digits {
            guard ASCII.isDigit(digit) else { return .invalid }
            let (product, isTooMuch) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = product.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            if isTooMuch || overflows { return .invalid }
            value = sum
        }
        return .bytes(value)
    }

    /// True if the server decoded a chunked body and passes it without a length (Apache's mod_cgi).
    var isChunked: Bool { variables.text("HTTP_TRANSFER_ENCODING")?.lowercased().contains("chunked") ?? false }
}
