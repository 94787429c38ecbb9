import TrackerCore

extension CGIRequest {
    /// The request's headers, in the order of the variables. Repeated ones are joined by ", " (cookies by "; "); for
    /// `Host`, `Authorization`, `Proxy-Authorization`, `Content-Type` and `Content-Length` the last one wins.
    public var headers: [(name: String, value: String)] { HeaderList.headers(of: variables) }

    /// Returns the value of a header; case-insensitive.
    public func header(_ name: String) -> String? {
        headers.first { ASCII.equalsIgnoringCase($0.name, name) }?.value
    }

    /// The decoded cookies; if several have the same name, the first one wins.
    public var cookies: [String: String] { CookieReader.dictionary(HeaderList.cookieBytes(of: variables)) }

    /// The `Content-Type`; nil if absent or empty.
    public var contentType: String? { variables.nonEmptyText("CONTENT_TYPE") }

    /// The host as the client sent it, with its port if it gave one; nil if absent or empty.
    public var host: String? { variables.nonEmptyText("HTTP_HOST") }

    /// The web server's name; empty if it does not send one. IPv6 addresses may be in brackets.
    public var serverName: String { variables.text("SERVER_NAME") ?? "" }

    /// The web server's port; nil if it does not send one.
    public var serverPort: UInt16? { variables.text("SERVER_PORT").flatMap { UInt16($0) } }

    /// The client's address, as the web server sees it; nil if it does not send one.
    public var remoteAddress: String? { variables.nonEmptyText("REMOTE_ADDR") }

    /// True if the web server says that the client used TLS.
    public var isHTTPS: Bool { scheme == "https" }

    /// "https" or "http", from `HTTPS`, else `REQUEST_SCHEME`. Headers that a client can set are ignored.
    public var scheme: String {
        switch variables.text("HTTPS")?.lowercased() {
        case nil, "", "off", "0", "false", "no": break
        default: return "https"
        }
        return variables.text("REQUEST_SCHEME")?.lowercased() == "https" ? "https" : "http"
    }

    /// The host for URLs: what the client sent, else the server's name with a port that is not the scheme's default.
    public var authority: String {
        host ?? serverAuthority
    }

    /// The server's name, with a port that is not the scheme's default.
    var serverAuthority: String {
        let name = HostAndPort.bracketed(serverName)
        guard let serverPort, serverPort != (isHTTPS ? 443 : 80) else { return name }
        return "\(name):\(serverPort)"
    }

    /// The decoded query parameters ("+" is a space), in order.
    public var queryParameters: [(name: String, value: String)] {
        query.utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            let value = pair[name.endIndex...].dropFirst()
            return (Self.decodeFormText(name), Self.decodeFormText(value))
        }
    }

    /// Returns the first value of a query parameter.
    public func queryParameter(_ name: String) -> String? {
        queryParameters.first { $0.name == name }?.value
    }

    private static func decodeFormText(_ text: Substring.UTF8View) -> String {
        TextDecoding.string(PercentEncoding.decode(text.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }))
    }
}
