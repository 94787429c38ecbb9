import TrackerCore

/// Runs the parsers of the FastCGI and CGI runtimes on raw bytes, for fuzzing.
package enum FastCGIProbe {
    /// Parses a stream of records, and the name-value pairs in each.
    ///
    /// - Returns: the number of content bytes.
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

    /// Parses a `Cookie` field.
    package static func readCookies(_ bytes: [UInt8]) -> Int { CookieReader.dictionary(bytes).count }

    /// Reads every derived property of a request with these variables.
    package static func read(variables: [(name: String, value: String)]) -> Int {
        let request = CGIRequest(variables: CGIVariables(variables))
        return request.headers.count + request.cookies.count + request.queryParameters.count
            + request.authority.utf8.count + request.path.utf8.count + request.pathInfo.utf8.count
            + request.scheme.utf8.count + (request.host?.utf8.count ?? 0) + Int(request.serverPort ?? 0)
    }
}
