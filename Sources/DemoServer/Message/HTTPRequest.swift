import TrackerCore

/// An HTTP request. It belongs to the task that serves it and must not be shared.
package final class HTTPRequest {
    package typealias Field = (name: String, value: String)

    /// The method as sent; any token.
    package let method: String
    /// The request target as sent (RFC 9112, section 3.2).
    package let target: String
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    package let minorVersion: Int
    /// The header fields in the order sent. Bytes that are not UTF-8 are read as Latin-1.
    package let headers: [Field]
    /// The whole body, without its transfer coding.
    package var body: [UInt8] = []
    /// Why the body was refused, with the status to answer; the connection closes after the response.
    package var bodyRefusal: HTTPError?
    /// The peer's address without its port.
    package var remoteAddress: String?
    /// The server's own host and port, in the form of `Host`.
    package var localAuthority = "localhost"
    /// The parameters that the route's pattern matched in the path, percent-decoded.
    package var parameters: [String: String] = [:]
    /// The route's name, once routing is done; nil if nothing matched.
    package var routeName: String?

    package init(method: String, target: String, minorVersion: Int = 1, headers: [Field], body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.minorVersion = minorVersion
        self.headers = headers
        self.body = body
    }

    /// The value of the first field of that name, compared case-insensitively.
    package func header(_ name: String) -> String? {
        headers.first { ASCII.equalsIgnoringCase($0.name, name) }?.value
    }

    /// The path of the target, percent-encoded as sent; `*` for the asterisk form.
    package var rawPath: String { String(splitTarget.path) }

    /// The path, percent-decoded once.
    package var path: String { String(decoding: PercentEncoding.decode(splitTarget.path.utf8), as: UTF8.self) }

    /// The query without its question mark, as sent.
    package var query: String? { splitTarget.query.map(String.init) }

    /// The query's pairs, decoded.
    package var queryParameters: [(name: String, value: String)] {
        (splitTarget.query ?? "").split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = parts.map {
                String(decoding: PercentEncoding.decode($0.utf8, plusIsSpace: true), as: UTF8.self)
            }
            return (decoded[0], decoded.count > 1 ? decoded[1] : "")
        }
    }

    private var splitTarget: (path: Substring, query: Substring?) {
        var rest = target[...]
        if !rest.hasPrefix("/"), let scheme = rest.utf8.firstIndex(of: UInt8(ascii: ":")) {
            let afterScheme = rest[scheme...].dropFirst()
            if afterScheme.hasPrefix("//") {
                let authority = afterScheme.dropFirst(2)
                rest = authority.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" }.map { authority[$0...] } ?? "/"
                if !rest.hasPrefix("/") { return ("/", rest.hasPrefix("?") ? rest.dropFirst() : nil) }
            }
        }
        if let fragment = rest.utf8.firstIndex(of: UInt8(ascii: "#")) { rest = rest[..<fragment] }
        guard let question = rest.utf8.firstIndex(of: UInt8(ascii: "?")) else { return (rest, nil) }
        return (rest[..<question], rest[rest.utf8.index(after: question)...])
    }
}

/// An error that a handler throws to answer with a status of its choice.
package struct HTTPError: Error, Sendable, CustomStringConvertible {
    package let status: Int
    package let description: String

    package init(status: Int, _ description: String = "") {
        self.status = status
        self.description = description.isEmpty ? "\(status) \(ReasonPhrase.standard(status))" : description
    }
}
