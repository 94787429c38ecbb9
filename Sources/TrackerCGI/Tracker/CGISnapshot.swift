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
            serverAuthority: host.map(HostAndPort.isPlain) == true ? "" : request.serverAuthority,
            headers: RequestHeaders(
                host: host, cookie: cookieHeader(variables),
                contentBytes: variables.bytes.count, deferred: { HeaderList.headers(of: variables) }),
            cookies: {
                CookieReader.parse(HeaderList.cookieBytes(of: variables))
            },
            remoteAddress: request.remoteAddress, style: .cgi)
    }

    /// Some servers send each `Cookie` field as a variable of its own.
    private static func cookieHeader(_ variables: CGIVariables) -> String? {
        variables.lastIndex(of: "HTTP_COOKIE") == nil
            ? nil : TextDecoding.string(HeaderList.cookieBytes(of: variables))
    }
}
