/// What an event needs to know of a request, taken before the app's handler runs.
///
/// It holds references to what the server has in memory anyway; nothing is parsed or copied until the event is encoded
/// on the delivery thread.
public struct RequestSnapshot: Sendable {
    /// The request method, as sent.
    public var method: String
    /// The request target as sent (RFC 9112, section 3.2): percent-encoded, with the query.
    public var target: String
    /// `http` or `https`: how the visitor came. Anything else counts as `http`.
    public var scheme: String
    /// The `Host` field's value; nil: looked up in `headers`.
    public var host: String?
    /// The server's own name and port, for requests without a usable `Host`.
    public var serverAuthority: String
    /// The header fields.
    public var headers: RequestHeaders
    /// Gives the request's cookies where the server has a parser of its own; nil: read from the `Cookie` field. Called
    /// on the delivery thread.
    public var cookies: (@Sendable () -> [(name: String, value: String)])?
    /// The address of the peer, without its port, if known.
    public var remoteAddress: String?
    /// Which form the event takes.
    public var style: EventStyle

    /// Makes a snapshot; the properties say what each value is.
    public init(
        method: String, target: String, scheme: String = "http", host: String? = nil,
        serverAuthority: String = "localhost", headers: RequestHeaders,
        cookies: (@Sendable () -> [(name: String, value: String)])? = nil, remoteAddress: String? = nil,
        style: EventStyle = .router
    ) {
        self.method = method
        self.target = target
        self.scheme = scheme
        self.host = host
        self.serverAuthority = serverAuthority
        self.headers = headers
        self.cookies = cookies
        self.remoteAddress = remoteAddress
        self.style = style
    }
}

/// The two forms of an event, as the two kinds of server see a request.
public enum EventStyle: Sendable, Hashable {
    /// `CONTENT_TYPE` and `CONTENT_LENGTH` without `HTTP_`; `cookies` are the response's, with their attributes.
    case router
    /// `HTTP_` before every name, an empty `Content-Type` left out; `cookies` are the request's, with their values.
    case cgi
}
