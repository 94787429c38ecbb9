import TrackerCore

/// Writes the header block of a response (RFC 3875, section 6.2), and rejects what would break out of it.
enum ResponseHead {
    /// Why a response cannot be sent.
    struct Invalid: Error, Equatable, CustomStringConvertible {
        var description: String
    }

    /// Returns whether the response to `method` can have a body (RFC 9110, section 6.4.1).
    static func allowsBody(status: Int, method: String) -> Bool {
        method != "HEAD" && status >= 200 && status != 204 && status != 304
    }

    static func validate(_ response: CGIResponse) throws(Invalid) {
        guard (200...599).contains(response.status) else {
            throw Invalid(description: "the status \(response.status) is not a final status (200 to 599)")
        }
        if let reason = response.reason, !reason.withBytes(ASCII.isFieldValue) {
            throw Invalid(description: "the reason phrase contains a control character")
        }
        for header in response.headers {
            guard !header.name.isEmpty, header.name.withBytes({ $0.allSatisfy(ASCII.isTokenByte) }) else {
                throw Invalid(description: "a header's name is not a token")
            }
            guard header.value.withBytes(ASCII.isFieldValue) else {
                throw Invalid(description: "the header \(header.name) contains a control character")
            }
        }
        for cookie in response.cookies where cookie.headerValue == nil {
            throw Invalid(description: "a cookie's name, value or attribute contains a character that is not allowed")
        }
    }

    /// Appends the header block of a validated response, `Status` first.
    static func append(_ response: CGIResponse, method: String, to bytes: inout [UInt8]) {
        append("Status: ", to: &bytes)
        append(response.status, to: &bytes)
        append(" ", to: &bytes)
        append(response.reason ?? ReasonPhrase.standard(response.status), to: &bytes)
        append("\r\n", to: &bytes)
        var bodyLength: Int?
        if case .bytes(let body) = response.body, response.status >= 200, response.status != 204,
            response.status != 304, method != "HEAD" || !body.isEmpty
        {
            bodyLength = body.count
        }
        var hasContentType = false
        let connectionOptions = connectionOptions(response.headers)
        for header in response.headers {
            if ASCII.equalsIgnoringCase(header.name, "Content-Type") { hasContentType = true }
            // `Content-Length` is replaced by the actual length. A second `Status` would win in some servers.
            if bodyLength != nil, ASCII.equalsIgnoringCase(header.name, "Content-Length") { continue }
            if ASCII.equalsIgnoringCase(header.name, "Status") || isHopByHop(header.name, connectionOptions) {
                continue
            }
            append(header.name, header.value, to: &bytes)
        }
        for cookie in response.cookies {
            if let value = cookie.headerValue { append("Set-Cookie", value, to: &bytes) }
        }
        if !hasContentType, bodyLength != 0, allowsBody(status: response.status, method: method) {
            append("Content-Type", "application/octet-stream", to: &bytes)
        }
        if let bodyLength {
            append("Content-Length: ", to: &bytes)
            append(bodyLength, to: &bytes)
            append("\r\n", to: &bytes)
        }
        append("\r\n", to: &bytes)
    }

    /// Returns the end-to-end fields, without `Content-Length`.
    static func endToEnd(_ headers: [(name: String, value: String)]) -> [(name: String, value: String)] {
        let options = connectionOptions(headers)
        return headers.filter { !isHopByHop($0.name, options) && !ASCII.equalsIgnoringCase($0.name, "Content-Length") }
    }

    /// Returns whether a field is specific to the connection, which belongs to the web server (RFC 9110, section
    /// 7.6.1).
    ///
    /// Compares lengths first: this runs for every field, and most responses have no such field.
    private static func isHopByHop(_ name: String, _ connectionOptions: [String]) -> Bool {
        let isOne =
            switch name.utf8.count {
            case 2: ASCII.equalsIgnoringCase(name, "TE")
            case 7: ASCII.equalsIgnoringCase(name, "Trailer") || ASCII.equalsIgnoringCase(name, "Upgrade")
            case 10: ASCII.equalsIgnoringCase(name, "Connection") || ASCII.equalsIgnoringCase(name, "Keep-Alive")
            case 16: ASCII.equalsIgnoringCase(name, "Proxy-Connection")
            case 17: ASCII.equalsIgnoringCase(name, "Transfer-Encoding")
            default: false
            }
        return isOne || !connectionOptions.isEmpty && connectionOptions.contains { ASCII.equalsIgnoringCase($0, name) }
    }

    /// Returns the field names listed in `Connection`.
    private static func connectionOptions(_ headers: [(name: String, value: String)]) -> [String] {
        var options: [String] = []
        for header in headers where ASCII.equalsIgnoringCase(header.name, "Connection") {
            options += header.value.split(separator: ",").map { String($0.filter { $0 != " " && $0 != "\t" }) }
        }
        return options
    }

    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        append(name, to: &bytes)
        append(": ", to: &bytes)
        append(value, to: &bytes)
        append("\r\n", to: &bytes)
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        text.withBytes { bytes.append(contentsOf: $0) }
    }

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        append(String(number), to: &bytes)
    }
}
