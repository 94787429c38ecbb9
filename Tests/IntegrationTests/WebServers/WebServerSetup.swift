import Foundation
import TestSupport
import Testing

/// The ways in which `Examples/deploy.md` puts the demo behind a web server.
enum WebServerSetup: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case nginxTCP = "nginx, FastCGI over TCP"
    case nginxUnix = "nginx, FastCGI over a kept unix socket"
    case nginxBuffered = "nginx, FastCGI with nginx's buffers"
    case nginxSpawn = "nginx, spawn-fcgi"
    case nginxSystemd = "nginx, systemd's socket"
    case nginxFcgiwrap = "nginx, fcgiwrap"
    case lighttpdFastCGI = "lighttpd, FastCGI"
    case lighttpdSocket = "lighttpd, FastCGI to a program that it did not start"
    case lighttpdCGI = "lighttpd, CGI"
    case apacheProxy = "Apache, mod_proxy_fcgi"
    case apacheProxyTCP = "Apache, mod_proxy_fcgi over TCP"
    case apacheFcgid = "Apache, mod_fcgid"
    case apacheCGI = "Apache, mod_cgi"
    case apacheCGID = "Apache, mod_cgid"
    case nginxLocation = "nginx, below a path"
    case apachePrefix = "Apache, ProxyPass to a unix socket below a path"
    case apachePrefixTCP = "Apache, ProxyPass over TCP below a path"
    case apachePrefixHandler = "Apache, SetHandler below a path"
    case apacheCGIPrefix = "Apache, mod_cgid below a path"
    case apacheFcgidPrefix = "Apache, mod_fcgid below a path"
    case lighttpdFastCGIPrefix = "lighttpd, FastCGI below a path"
    case lighttpdCGIPrefix = "lighttpd, CGI below a path"

    var testDescription: String { rawValue }

    /// One process for each request.
    static let cgi: [WebServerSetup] = [.apacheCGI, .apacheCGID, .lighttpdCGI, .nginxFcgiwrap]

    /// Whether the tests of all setups should run.
    static var areWanted: Bool { Tool.areWanted("nginx", "lighttpd", "apache2", "fcgiwrap", "spawn-fcgi", "cgi-fcgi") }
    static let reason = """
        needs nginx, lighttpd, apache2, libapache2-mod-fcgid, fcgiwrap, spawn-fcgi and libfcgi-bin; \
        REQUIRE_REAL_SERVERS=1 insists on them
        """

    enum Server: String {
        case nginx, lighttpd, apache2
    }

    var server: Server {
        switch self {
        case .nginxTCP, .nginxUnix, .nginxBuffered, .nginxSpawn, .nginxSystemd, .nginxFcgiwrap, .nginxLocation: .nginx
        case .lighttpdFastCGI, .lighttpdSocket, .lighttpdCGI, .lighttpdFastCGIPrefix, .lighttpdCGIPrefix: .lighttpd
        case .apacheProxy, .apacheProxyTCP, .apacheFcgid, .apacheCGI, .apacheCGID, .apachePrefix, .apachePrefixTCP,
            .apachePrefixHandler, .apacheCGIPrefix, .apacheFcgidPrefix:
            .apache2
        }
    }

    /// Who starts the app, and how.
    enum Start {
        /// The app by itself, on a TCP port or a Unix socket.
        case tcp, unix
        /// The command `spawn-fcgi`, and the script that uses it.
        case spawnFCGI, script
        case systemd, fcgiwrap
        case webServer
    }

    var start: Start {
        switch self {
        case .nginxTCP, .apacheProxyTCP, .apachePrefixTCP: .tcp
        case .nginxUnix, .nginxBuffered, .nginxLocation, .lighttpdSocket: .unix
        case .apacheProxy, .apachePrefix, .apachePrefixHandler: .spawnFCGI
        case .nginxSpawn: .script
        case .nginxSystemd: .systemd
        case .nginxFcgiwrap: .fcgiwrap
        case .lighttpdFastCGI, .lighttpdCGI, .lighttpdFastCGIPrefix, .lighttpdCGIPrefix, .apacheFcgid, .apacheCGI,
            .apacheCGID, .apacheCGIPrefix, .apacheFcgidPrefix:
            .webServer
        }
    }

    /// The file in `Examples` that describes the site.
    var file: String {
        switch self {
        case .nginxTCP: "nginx/fastcgi-tcp.conf"
        case .nginxUnix, .nginxBuffered, .nginxSpawn, .nginxSystemd: "nginx/fastcgi-unix.conf"
        case .nginxFcgiwrap: "nginx/cgi-fcgiwrap.conf"
        case .lighttpdFastCGI, .lighttpdSocket, .lighttpdFastCGIPrefix: "lighttpd/fastcgi.conf"
        case .lighttpdCGI, .lighttpdCGIPrefix: "lighttpd/cgi.conf"
        case .nginxLocation: "nginx/location.conf"
        case .apachePrefix, .apachePrefixTCP, .apachePrefixHandler: "apache/location.conf"
        case .apacheProxy, .apacheProxyTCP: "apache/proxy-fcgi.conf"
        case .apacheFcgid, .apacheFcgidPrefix: "apache/fcgid.conf"
        case .apacheCGI, .apacheCGID, .apacheCGIPrefix: "apache/cgi.conf"
        }
    }

    /// The path below which the app is mounted.
    var prefix: String {
        switch self {
        case .nginxLocation, .apachePrefix, .apachePrefixTCP, .apachePrefixHandler,
            .apacheCGIPrefix, .apacheFcgidPrefix, .lighttpdFastCGIPrefix, .lighttpdCGIPrefix:
            "/demo"
        default: ""
        }
    }

    /// Whether the file in `Examples` is part of an existing site.
    var isLocation: Bool { file.hasSuffix("location.conf") }

    /// Whether the app is mounted as a program, which can be requested by its own name.
    var isProgram: Bool {
        [.apacheCGIPrefix, .apacheFcgidPrefix, .lighttpdFastCGIPrefix, .lighttpdCGIPrefix].contains(self)
    }

    /// The differences between the file that is used and that in `Examples`.
    var changes: [(from: String, to: String)] {
        let pass = "ProxyPass \"unix:/run/demo/demo.sock|fcgi://localhost/\""
        return switch self {
        case .nginxBuffered:
            [
                ("fastcgi_request_buffering off;", "fastcgi_request_buffering on;"),
                ("fastcgi_buffering off;", "fastcgi_buffering on;"),
            ]
        case .apacheProxyTCP: [("unix:/run/demo/demo.sock|fcgi://localhost", "fcgi://127.0.0.1:9000")]
        case .apachePrefixTCP: [(pass, "ProxyPass \"fcgi://127.0.0.1:9000/\"")]
        case .apachePrefixHandler: [(pass, "SetHandler \"proxy:unix:/run/demo/demo.sock|fcgi://localhost\"")]
        case .apacheCGIPrefix, .apacheFcgidPrefix:
            [("Alias \"/\" \"/srv/demo/DemoCGIApp/\"", "Alias \"/demo\" \"/srv/demo/DemoCGIApp\"")]
        case .lighttpdSocket: [("\"bin-path\"            => \"/srv/demo/DemoCGIApp\",", "")]
        case .lighttpdFastCGIPrefix:
            [
                ("fastcgi.server = ( \"/\"", "fastcgi.server = ( \"/demo\""),
                ("\"fix-root-scriptname\" => \"enable\",", ""),
            ]
        case .lighttpdCGIPrefix:
            [("\"/\" => \"/srv/demo/DemoCGIApp/\"", "\"/demo\" => \"/srv/demo/DemoCGIApp\"")]
        default: []
        }
    }

    /// The modules that `a2enmod` would load.
    var apacheModules: [String] {
        let all = ["authz_core", "alias", "env", "setenvif"]
        return switch self {
        case .apacheProxy, .apacheProxyTCP, .apachePrefix, .apachePrefixTCP, .apachePrefixHandler:
            ["mpm_event"] + all + ["proxy", "proxy_fcgi"]
        case .apacheFcgid, .apacheFcgidPrefix: ["mpm_event"] + all + ["fcgid"]
        case .apacheCGI: ["mpm_prefork"] + all + ["cgi"]
        default: ["mpm_event"] + all + ["cgid"]
        }
    }
}
