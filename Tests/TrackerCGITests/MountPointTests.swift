import Testing

@testable import TrackerCGI

@Suite("The path below an app's mount point")
struct MountPointTests {
    struct Sent: CustomTestStringConvertible, Sendable {
        var server: String
        var variables: [String: String]
        var mount: String
        var path: String
        var testDescription: String { "\(server) \(variables["REQUEST_URI"] ?? "")" }

        init(_ server: String, _ variables: [String: String], _ mount: String, _ path: String) {
            self.server = server
            self.variables = variables.merging(["SERVER_SOFTWARE": server]) { own, _ in own }
            self.mount = mount
            self.path = path
        }
    }

    private static func proxied(_ script: String, _ file: String, _ uri: String? = nil) -> [String: String] {
        ["SCRIPT_NAME": script, "SCRIPT_FILENAME": file, "REQUEST_URI": uri ?? script, "DOCUMENT_ROOT": "/var/www"]
    }

    /// As Apache 2.4 sends them.
    private static let apache: [Sent] = [
        Sent("Apache", proxied("/p/hello/x/", "proxy:fcgi://127.0.0.1:9000/hello/x/"), "/p", "/hello/x/"),
        Sent("Apache", proxied("/p/", "proxy:fcgi://127.0.0.1:9000/"), "/p", "/"),
        Sent("Apache", proxied("/p", "proxy:fcgi://127.0.0.1:9000/"), "/p", "/"),
        Sent("Apache", proxied("/p/a", "proxy:fcgi://localhost/a"), "/p", "/a"),
        Sent("Apache", proxied("/p/q/a", "proxy:fcgi://[::1]:9000/a"), "/p/q", "/a"),
        Sent("Apache", proxied("/a", "proxy:fcgi://localhost/a"), "", "/a"),
        Sent("Apache", proxied("/", "proxy:fcgi://localhost/"), "", "/"),
        Sent(
            "Apache",
            proxied(
                "/p/caf\u{e9} a%2Fb?c%d/y", "proxy:fcgi://127.0.0.1:9000/caf%C3%A9%20a%252Fb%3Fc%25d/y",
                "/p/caf%C3%A9%20a%2Fb%3Fc%25d/y"), "/p", "/caf\u{e9} a/b?c%d/y"),
        // ProxyFCGIBackendType GENERIC
        Sent("Apache/2.4", proxied("/p/hello/x/", "/hello/x/"), "/p", "/hello/x/"),
        // ProxyPass to a path within the app
        Sent("Apache", proxied("/p/hello/", "proxy:fcgi://localhost/inner/hello/"), "", "/inner/hello/"),
        // SetHandler "proxy:fcgi://...", the app's root without a trailing slash
        Sent("Apache", proxied("/p", "proxy:fcgi://localhost/var/www/p"), "/p", "/"),
    ]

    private static let programs: [Sent] = [
        Sent("Apache/2.4.71 (Debian)", proxied("/cgi-bin/app", "/srv/cgi/app"), "/cgi-bin/app", "/"),
        Sent("Apache/2.4.71 (Debian)", proxied("/app.cgi", "/var/www/app.cgi", "/app.cgi?x"), "/app.cgi", "/"),
        Sent("lighttpd/1.4.69", proxied("/cgi-bin/app", "/srv/cgi/app"), "/cgi-bin/app", "/"),
        // nginx's fastcgi_params: the script's name is the whole path.
        Sent("nginx/1.22.1", proxied("/app", "/var/www/app"), "", "/app"),
        Sent("", proxied("/app", "/var/www/app"), "", "/app"),
    ]

    @Test("is what Apache's proxy took away", arguments: apache)
    func apacheProxy(sent: Sent) { check(sent) }

    @Test("is the root where a program is asked for by its own name", arguments: programs)
    func programsOwnName(sent: Sent) { check(sent) }

    @Test(
        "is what the client sees where a rule hides the program's name",
        arguments: [("/hello/x/", ""), ("/sub/hello/x/", "/sub"), ("/app.cgi/hello/x/", "/app.cgi")])
    func hiddenProgram(uri: String, mount: String) {
        let request = CGIRequest(
            variables: CGIVariables([
                (name: "SCRIPT_NAME", value: "/app.cgi"), (name: "PATH_INFO", value: "/hello/x/"),
                (name: "REQUEST_URI", value: uri),
            ]))
        #expect(request.scriptName == mount)
        #expect(request.pathInfo == "/hello/x/")
    }

    private func check(_ sent: Sent) {
        let request = CGIRequest(variables: CGIVariables(sent.variables.map { (name: $0.key, value: $0.value) }))
        #expect(request.scriptName == sent.mount)
        #expect(request.pathInfo == sent.path)
    }

    @Test("is what the owner says, whatever the server sends", arguments: ["/app", "/app/", "app"])
    func owner(mount: String) {
        let request = CGIRequest(
            variables: CGIVariables([
                (name: "SCRIPT_NAME", value: "/x"), (name: "PATH_INFO", value: "/y"),
                (name: "REQUEST_URI", value: "/app/hello/"),
            ]), mountPath: mount)
        #expect(request.scriptName == "/app")
        #expect(request.pathInfo == "/hello/")
    }
}
