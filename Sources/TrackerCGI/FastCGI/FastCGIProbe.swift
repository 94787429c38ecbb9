import TrackerCore

/// Reads bytes as the FastCGI and CGI runtimes would, so that fuzzers can reach their readers and nothing else.
package enum FastCGIProbe {
    /// Takes a stream of records apart, and the pairs in each.
    ///
    /// - Returns: how many bytes of content were handed on.
    package static func read(_ bytes: [UInt8]) -> Int {
        var count = 0
        var contents: [[UInt8]] = []
        bytes.withUnsafeBytes { buffer in
            var parser = FastCGIRecordParser()
            var cursor = ByteCursor(buffer)
            while let event = parser.next(&cursor) {
                switch event {
                case .begin: contents.append([])
                case .content(let piece):
                    count += piece.count
                    contents[contents.count - 1] += piece
                case .end: break
                }
            }
        }
        for content in contents { _ = FastCGINameValues.decode(content)?.count }
        return count
    }

    /// Reads a `Cookie` field.
    package static func readCookies(_ bytes: [UInt8]) -> Int { CookieReader.dictionary(bytes).count }

    /// Asks a request made of these variables for everything it can tell.
    package static func read(variables: [(name: String, value: String)]) -> Int {
        let request = CGIRequest(variables: CGIVariables(variables))
        return request.headers.count + request.cookies.count + request.queryParameters.count
            + request.authority.utf8.count + request.path.utf8.count + request.pathInfo.utf8.count
            + request.scheme.utf8.count + (request.host?.utf8.count ?? 0) + Int(request.serverPort ?? 0)
    }
}
