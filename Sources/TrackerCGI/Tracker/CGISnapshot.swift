import TrackerCore

/// What an event needs of a CGI request: references to its variables, which are read on the delivery thread.
enum CGISnapshot {
    static func take(of request: CGIRequest) -> RequestSnapshot {
        // Not the request itself: it may hold a body, which would wait in the queue with the event.
        let variables = request.variables
        let host = request.host
        return RequestSnapshot(
            method: request.method, target: request.requestURI, scheme: request.scheme, host: host ?? "",
            // Put together only where it is needed.
            serverAuthority: host.map(isPlainHost) == true ? "" : request.serverAuthority,
            headers: RequestHeaders(
                host: host, cookie: cookieHeader(variables),
                contentBytes: variables.bytes.count, deferred: { HeaderList.headers(of: variables) }),
            cookies: {
                CookieParser.parse(HeaderList.cookieBytes(of: variables)).map { (name: $0.key, value: $0.value) }
            },
            remoteAddress: request.remoteAddress, style: .cgi)
    }

    /// A name or an IPv4 address with a port or none: it stands in the URL as it is. Anything else is looked at more
    /// closely later.
    private static func isPlainHost(_ host: String) -> Bool {
        var port: Int?
        for byte in host.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard let digits = port else { continue }
                port = digits * 10 + Int(byte - UInt8(ascii: "0"))
                if port ?? 0 > 65_535 { return false }
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."),
                UInt8(ascii: "-"):
                if port != nil { return false }
            case UInt8(ascii: ":"):
                if port != nil { return false }
                port = 0
            default: return false
            }
        }
        return host.utf8.first != UInt8(ascii: ":") && host.utf8.count <= 255
    }

    /// Some servers send each `Cookie` field as a variable of its own.
    private static func cookieHeader(_ variables: CGIVariables) -> String? {
        variables.lastIndex(of: "HTTP_COOKIE") == nil
            ? nil : TextDecoding.string(HeaderList.cookieBytes(of: variables))
    }
}
