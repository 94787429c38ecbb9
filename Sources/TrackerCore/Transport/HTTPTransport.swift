import CCurl

/// Posts events over HTTP with libcurl: one thread, several connections that are kept open, HTTP/2 where offered.
///
/// libcurl is found when the first event is sent (`dlopen`), never needed to build. Certificates are verified, TLS is
/// 1.2 or newer, proxy variables are honoured as libcurl does (the upper-case `HTTP_PROXY`, which a CGI client could
/// set, is not), and redirects are not followed: a token must not travel to another host.
public struct HTTPTransport: EventTransport {
    let url: String
    let caFile: String?
    let connectTimeout: Duration
    let requestTimeout: Duration
    let maximumConnections: Int
    let usesCompression: Bool

    /// Takes address, time-outs and certificates from the configuration.
    public init(configuration: TrackerConfiguration) {
        url = configuration.backendEndpoint.url(projectID: configuration.projectID)
        caFile = configuration.caFile
        connectTimeout = configuration.connectTimeout
        requestTimeout = configuration.requestTimeout
        maximumConnections = configuration.maximumConnections
        usesCompression = configuration.usesCompression
    }

    /// Part of ``EventTransport``: loads libcurl.
    public func open() throws(TransportUnavailable) -> any TransportSession {
        if let reason = ccurl_load() {
            throw TransportUnavailable(
                "libcurl can't be loaded, so no event can be sent; install it (Debian and Ubuntu: "
                    + "apt-get install libcurl4; Fedora: dnf install libcurl). "
                    + "The loader said: \(String(cString: reason))")
        }
        return try HTTPSession(transport: self)
    }
}
