import CCurl
import CLibrary

/// Posts events over HTTP with libcurl: one thread, several keep-alive connections, HTTP/2 where offered.
///
/// libcurl is loaded with `dlopen` when the first event is sent; building does not need it. Certificates are verified,
/// TLS is 1.2 or newer, and proxy variables are honored as by libcurl (but not the uppercase `HTTP_PROXY`, which a CGI
/// client could set). Redirects are not followed: a token must not reach another host.
public struct HTTPTransport: EventTransport {
    let url: String
    let caFile: String?
    let connectTimeout: Duration
    let requestTimeout: Duration
    let maximumConnections: Int
    let usesCompression: Bool

    /// Creates a transport with the configuration's address, timeouts and certificates.
    public init(configuration: TrackerConfiguration) {
        url = configuration.backendEndpoint.url(projectID: configuration.projectID)
        caFile = configuration.caFile
        connectTimeout = configuration.connectTimeout
        requestTimeout = configuration.requestTimeout
        maximumConnections = configuration.maximumConnections
        usesCompression = configuration.usesCompression
    }

    /// Loads libcurl and opens a session.
    public func open() throws(TransportUnavailable) -> any TransportSession {
        try Self.loadLibrary()
        return try HTTPSession(transport: self)
    }

    /// Loads libcurl, for all transports of the process.
    package static func loadLibrary() throws(TransportUnavailable) {
        guard let reason = ccurl_load() else { return }
        throw TransportUnavailable(
            "libcurl can't be loaded, so no event can be sent; install it (Debian and Ubuntu: "
                + "apt-get install libcurl4; Fedora: dnf install libcurl). "
                + "The loader said: \(String(cString: reason))")
    }

    /// Connects to the backend as delivery does, through proxies and with TLS, but sends no request. Blocks for at most
    /// the connect timeout.
    ///
    /// - Throws: an error with libcurl's reason if that fails, or if libcurl can't be loaded.
    package func checkConnection() throws(TransportUnavailable) {
        try Self.loadLibrary()
        let sockets = UnsafeMutablePointer<ccurl_sockets>.allocate(capacity: 1)
        sockets.initialize(to: ccurl_sockets())
        defer {
            ccurl_sockets_free(sockets)
            sockets.deallocate()
        }
        let transfer = HTTPTransfer(HTTPTransfer.Answered()) { easy in
            configure(easy, sockets: sockets, share: nil)
                && ccurl_easy_set_long(easy, Int32(ccurl_option_connect_only), 1) == 0
        }
        guard let transfer else { throw TransportUnavailable("libcurl could not be set up") }
        defer { transfer.close() }
        guard let multi = ccurl_multi_init() else { throw TransportUnavailable("libcurl could not be set up") }
        defer { ccurl_multi_cleanup(multi) }
        guard ccurl_multi_add(multi, transfer.easy) == 0 else {
            throw TransportUnavailable("libcurl could not start a connection")
        }
        defer { _ = ccurl_multi_remove(multi, transfer.easy) }
        while ccurl_multi_perform(multi) > 0 { _ = ccurl_multi_poll(multi, 1_000) }
        var easy: UnsafeMutableRawPointer?
        var code: Int32 = 0
        if ccurl_multi_next(multi, &easy, &code) != 0, code != 0 { throw TransportUnavailable(transfer.reason(code)) }
    }
}

extension HTTPTransport {
    /// Seconds after which an idle connection is closed.
    private static let idleConnection = 60

    /// Sets the options shared by all requests of a session.
    ///
    /// - Returns: false if libcurl refused a required option.
    func configure(
        _ easy: UnsafeMutableRawPointer, sockets: UnsafeMutablePointer<ccurl_sockets>, share: UnsafeMutableRawPointer?
    ) -> Bool {
        func set(_ option: some BinaryInteger, _ value: Int) -> Bool {
            ccurl_easy_set_long(easy, Int32(option), value) == 0
        }
        func set(_ option: some BinaryInteger, _ value: String) -> Bool {
            value.withCString { ccurl_easy_set_pointer(easy, Int32(option), $0) } == 0
        }
        var isAccepted =
            set(ccurl_option_url, url) && set(ccurl_option_post, 1)
            && set(ccurl_option_no_signal, 1)
            // A redirect must never carry the token to another host.
            && set(ccurl_option_follow_location, 0) && set(ccurl_option_ssl_verify_peer, 1)
            && set(ccurl_option_ssl_verify_host, 2)
            && set(ccurl_option_ssl_version, Int(ccurl_ssl_version_tls_1_2))
            && set(ccurl_option_connect_timeout_ms, Self.milliseconds(connectTimeout))
            && set(ccurl_option_timeout_ms, Self.milliseconds(requestTimeout))
        if let caFile { isAccepted = isAccepted && caFile.withCString { ccurl_easy_trust_only(easy, $0) } == 0 }
        // Optional: an older or smaller libcurl may lack these.
        _ = set(ccurl_option_http_version, Int(ccurl_http_version_2_tls))
        _ = set(ccurl_option_tcp_no_delay, 1)
        _ = set(ccurl_option_tcp_keep_alive, 1)
        _ = set(ccurl_option_path_as_is, 1)
        _ = set(ccurl_option_max_age_connection, Self.idleConnection)
        // Opens another connection only if the first can't carry more.
        _ = set(ccurl_option_pipe_wait, url.lowercased().hasPrefix("https") ? 1 : 0)
        _ = set(ccurl_option_protocols_text, "http,https")
        if ProxyVariables.areSet {
            // A proxy's response to CONNECT must not be taken for the backend's.
            isAccepted = isAccepted && set(ccurl_option_suppress_connect_headers, 1)
        } else {
            // Otherwise libcurl reads the environment before each request, while another thread may be changing it.
            _ = set(ccurl_option_no_proxy, "*")
        }
        // Without it, ending a transfer waits for a name lookup that may never finish.
        _ = set(ccurl_option_quick_exit, 1)
        _ = ccurl_easy_set_sockets(easy, sockets)
        if let share { _ = ccurl_easy_set_pointer(easy, Int32(ccurl_option_share), share) }
        return isAccepted
    }

    static func milliseconds(_ duration: Duration) -> Int {
        max(1, Int(clamping: duration.nanoseconds / 1_000_000))
    }
}

/// The proxy variables that libcurl would use: all but `HTTP_PROXY`, which a CGI client can set.
enum ProxyVariables {
    static let names = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]

    static var areSet: Bool { names.contains { getenv($0) != nil } }
}
