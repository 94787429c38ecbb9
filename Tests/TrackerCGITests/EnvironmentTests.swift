import Testing

@testable import TrackerCGI

@Suite("A request from a real server's variables")
struct EnvironmentTests {
    @Test("has been recorded for every set-up")
    func recorded() {
        #expect(Set(RecordedEnvironment.all.map(\.server)).count == 14)
        #expect(RecordedEnvironment.all.count > 340)
    }

    @Test("keeps method and target, and can be routed below the mount prefix", arguments: RecordedEnvironment.all)
    func target(recorded: RecordedEnvironment) throws {
        let request = recorded.cgiRequest
        let line = recorded.request.split(separator: " ")
        if let method = line.first { #expect(request.method == String(method)) }
        #expect(request.pathInfo.hasPrefix("/"))
        #expect(request.path.hasPrefix("/"))
        #expect(!request.requestURI.utf8.contains { $0 <= 0x20 || $0 >= 0x7F })
        #expect(!request.query.contains("?") || recorded.sentTarget.contains("??"))
        #expect(!request.headers.contains { $0.name.isEmpty })
    }

    @Test(
        "finds the mount prefix where the server splits the path",
        arguments: RecordedEnvironment.all.filter { $0.name == "get_query" })
    func mountPrefix(recorded: RecordedEnvironment) {
        let request = recorded.cgiRequest
        switch recorded.server {
        case "apache-cgi", "apache-cgid", "apache-fcgid", "apache-proxyfcgi", "lighttpd-cgi", "lighttpd-spawn",
            "nginx-fcgiwrap", "nginx-unix-split":
            #expect(request.scriptName == recorded.base)
            #expect(request.pathInfo == "/env")
        default:
            #expect(request.scriptName == "")
            #expect(request.pathInfo == "/env")
        }
        #expect(recorded.base.isEmpty && recorded.request.isEmpty || request.queryParameter("a") == "1")
    }

    @Test("decodes the path once", arguments: RecordedEnvironment.all.filter { $0.name == "encoded_path" })
    func encodedPath(recorded: RecordedEnvironment) {
        let request = recorded.cgiRequest
        #expect(request.path == recorded.base + "/env/café a/b?c%d;x=1")
        #expect(request.query == "q=%26")
        #expect(request.queryParameter("q") == "&")
        #expect(request.requestURI.hasSuffix("/env/caf%C3%A9%20a%2Fb%3Fc%25d;x=1?q=%26"))
    }

    @Test(
        "reads bytes that are not UTF-8 as Latin-1",
        arguments: RecordedEnvironment.all.filter { $0.name == "invalid_utf8_path" })
    func invalidUTF8(recorded: RecordedEnvironment) {
        #expect(recorded.cgiRequest.path == recorded.base + "/env/\u{FF}\u{FE}")
    }

    @Test("encodes raw bytes of the target", arguments: RecordedEnvironment.all.filter { $0.name == "raw_utf8_path" })
    func rawUTF8(recorded: RecordedEnvironment) {
        #expect(recorded.cgiRequest.requestURI == recorded.base + "/env/caf%C3%A9")
        #expect(recorded.cgiRequest.path == recorded.base + "/env/café")
    }

    @Test(
        "routes dot segments as the server resolved them",
        arguments: RecordedEnvironment.all.filter { $0.name == "dot_segments" })
    func dotSegments(recorded: RecordedEnvironment) {
        let request = recorded.cgiRequest
        #expect(request.requestURI == recorded.base + "/env/a/../z/./y//w/?q=1")
        #expect(request.pathInfo == "/env/z/y/w/")
    }

    @Test(
        "takes the path out of an absolute target",
        arguments: RecordedEnvironment.all.filter { $0.name == "absolute_form" })
    func absoluteForm(recorded: RecordedEnvironment) {
        #expect(recorded.cgiRequest.path == recorded.base + "/env")
        #expect(recorded.cgiRequest.query == "abs=1")
        #expect(recorded.cgiRequest.host?.hasPrefix("other.test") == true)
    }

    @Test("knows its cookies", arguments: RecordedEnvironment.all.filter { $0.name == "cookies" })
    func cookies(recorded: RecordedEnvironment) {
        let cookies = recorded.cgiRequest.cookies
        #expect(cookies["a"] == "1")
        #expect(cookies["b"] == "two words")
        // Apache joins two headers with a comma, which becomes part of the value.
        let isJoinedByComma = recorded.server.hasPrefix("apache")
        #expect(cookies["sid"] == (isJoinedByComma ? "abc%20def==, second=2" : "abc%20def=="))
        #expect(cookies["second"] == (isJoinedByComma ? nil : "2"))
    }

    @Test("joins repeated headers", arguments: RecordedEnvironment.all.filter { $0.name == "dup_headers" })
    func repeated(recorded: RecordedEnvironment) {
        let request = recorded.cgiRequest
        #expect(request.header("x-dup") == "one, two")
        #expect(request.headers.count { $0.name == "X-Dup" } == 1)
        #expect(request.header("Accept-Language") == "en, de")
    }

    @Test("sees HTTPS", arguments: RecordedEnvironment.all.filter { $0.name == "https" })
    func https(recorded: RecordedEnvironment) {
        #expect(recorded.cgiRequest.isHTTPS)
        #expect(recorded.cgiRequest.authority == "secure.test")
    }

    @Test(
        "has a host to show even without a Host header",
        arguments: RecordedEnvironment.all.filter { $0.name == "no_host_http10" })
    func noHost(recorded: RecordedEnvironment) {
        let request = recorded.cgiRequest
        #expect(request.host == (recorded.server.hasPrefix("nginx") ? "app.test" : nil))
        if recorded.server.hasPrefix("apache") { #expect(request.authority == "app.test") }
    }

    @Test("keeps IPv6 hosts", arguments: RecordedEnvironment.all.filter { $0.name == "ipv6_host" })
    func ipv6(recorded: RecordedEnvironment) {
        #expect(recorded.cgiRequest.authority.hasPrefix("[::1]"))
    }

    @Test("does not believe forwarded headers", arguments: RecordedEnvironment.all.filter { $0.name == "x_forwarded" })
    func forwarded(recorded: RecordedEnvironment) {
        #expect(!recorded.cgiRequest.isHTTPS)
        #expect(recorded.cgiRequest.header("X-Forwarded-Proto") == "https")
    }

    @Test("names Content-Type and Content-Length once, if they are there", arguments: RecordedEnvironment.all)
    func contentHeaders(recorded: RecordedEnvironment) {
        let request = recorded.cgiRequest
        let names = request.headers.map(\.name)
        #expect(names.count { $0 == "Content-Type" } <= 1)
        #expect(names.count { $0 == "Content-Length" } <= 1)
        if recorded.name == "post_form" {
            #expect(request.contentType == "application/x-www-form-urlencoded")
            #expect(request.announcedLength == .bytes(26))
        }
        if recorded.name == "get_noquery" { #expect(request.contentType == nil) }
    }
}

@Suite("Variables")
struct VariablesTests {
    private func request(_ pairs: [(name: String, value: String)]) -> CGIRequest {
        CGIRequest(variables: CGIVariables(pairs))
    }

    @Test("may be missing altogether")
    func missing() {
        let request = request([])
        #expect(request.method == "" && request.path == "/" && request.pathInfo == "/" && request.query == "")
        #expect(request.host == nil && request.serverPort == nil && request.authority == "" && request.scheme == "http")
        #expect(request.headers.isEmpty && request.cookies.isEmpty)
    }

    @Test(
        "say https", arguments: [("on", true), ("ON", true), ("1", true), ("true", true), ("off", false), ("", false)])
    func https(value: String, isHTTPS: Bool) {
        #expect(request([("HTTPS", value)]).isHTTPS == isHTTPS)
    }

    @Test(
        "give the length of the body",
        arguments: [
            ("", .absent), ("0", .bytes(0)), ("17", .bytes(17)), ("abc", .invalid), ("-5", .invalid), ("1e9", .invalid),
            ("+5", .invalid), (" 5", .invalid), ("99999999999999999999", .invalid),
        ] as [(String, CGIRequest.AnnouncedLength)])
    func length(text: String, expected: CGIRequest.AnnouncedLength) {
        #expect(request([("CONTENT_LENGTH", text)]).announcedLength == expected)
    }

    @Test("of a repeated Host or Authorization: the last counts")
    func lastWins() {
        let request = request([
            ("HTTP_HOST", "a"), ("HTTP_HOST", "b"), ("HTTP_AUTHORIZATION", "x"), ("HTTP_AUTHORIZATION", "y"),
            ("HTTP_CONTENT_TYPE", "no"), ("HTTP_CONTENT_LENGTH", "9"),
        ])
        #expect(request.host == "b")
        #expect(request.header("host") == "b")
        #expect(request.header("authorization") == "y")
        #expect(request.header("content-type") == nil)
        #expect(request.header("content-length") == nil)
    }

    @Test("without REQUEST_URI: the target is put together again")
    func rebuilt() {
        let request = request([("SCRIPT_NAME", "/app"), ("PATH_INFO", "/a b%?#é"), ("QUERY_STRING", "x=ä")])
        #expect(request.requestURI == "/app/a%20b%25%3F%23%C3%A9?x=%C3%A4")
        #expect(request.path == "/app/a b%?#é")
        #expect(request.pathInfo == "/a b%?#é")
    }

    @Test(
        "of a strange target do no harm",
        arguments: ["*", "?", "#", "%", "%%%", "//", "/%2e%2e/%", "http://", "http://h", "://", "\u{0}", "/?#?", ""])
    func strange(target: String) {
        let request = request([("REQUEST_URI", target), ("SCRIPT_NAME", "/x"), ("PATH_INFO", "")])
        #expect(!request.pathInfo.isEmpty)
    }
}

@Suite("Cookies")
struct CookieTests {
    @Test(
        "to set are refused if they would break out",
        arguments: ["a;b", "a\r\nb", "a\nb", "a\u{0}", "a b", "a,b", "\""])
    func refused(value: String) {
        #expect(CGICookie(name: "n", value: value).headerValue == nil)
        #expect(CGICookie(name: "n", value: "v", path: value.contains(";") ? value : value + ";").headerValue == nil)
    }

    @Test("to set carry their attributes")
    func attributes() {
        let cookie = CGICookie(
            name: "n", value: "v", domain: "x.test", maximumAge: .seconds(5), isSecure: true, sameSite: .strict)
        #expect(
            cookie.headerValue == "n=v; Path=/; Domain=x.test; Max-Age=5; Secure; HttpOnly; SameSite=Strict")
        #expect(
            CGICookie(name: "n", value: "v", isSecure: true, sameSite: .none).headerValue
                == "n=v; Path=/; Secure; HttpOnly; SameSite=None")
        #expect(CGICookie(name: "n", value: "v", sameSite: .unspecified).headerValue == "n=v; Path=/; HttpOnly")
    }
}
