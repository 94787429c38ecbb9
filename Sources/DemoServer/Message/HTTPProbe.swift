/// Parses bytes as the server does, so that fuzzers reach its parsers and nothing else.
package enum HTTPProbe {
    /// Parses a request head, and what follows as a chunked body.
    ///
    /// - Returns: the length of the decoded body, or the status of a refusal.
    package static func read(_ bytes: [UInt8]) -> Int {
        var parser = RequestHeadParser(limits: .init())
        var body: [UInt8] = []
        do throws(RequestRefusal) {
            guard let end = try parser.findEnd(in: bytes, from: 0) else { return 0 }
            let head = try parser.parse(bytes[..<end])
            _ = (head.request.path, head.request.queryParameters.count, head.request.headers.count)
            var decoder = ChunkedDecoder()
            _ = try decoder.decode(bytes[end...], into: &body, limit: 1 << 20)
        } catch {
            return error.status
        }
        return body.count
    }
}
