import Foundation
import TestSupport
import Testing

/// The ways in which `Examples/deploy.md` puts the demo behind a web server.
enum WebServerSetup: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case nginxTCP = "nginx, FastCGI over TCP"
    case nginxUnix = "nginx, FastCGI over a kept unix socket"
    case nginxSpawn = "nginx, spawn-fcgi"
    case nginxSystemd = "nginx, systemd's socket"
    case nginxFcgiwrap = "nginx, fcgiwrap"
    case lighttpdFastCGI = "lighttpd, FastCGI"
    case lighttpdCGI = "lighttpd, CGI"
    case apacheProxy = "Apache, mod_proxy_fcgi"
    case apacheFcgid = "Apache, mod_fcgid"
    case apacheCGI = "Apache, mod_cgi"
    case apacheCGID = "Apache, mod_cgid"

    var testDescription: String { rawValue }

    /// One process for each request.
    static let cgi: [WebServerSetup] = [.apacheCGI, .apacheCGID, .lighttpdCGI, .nginxFcgiwrap]

    /// What all of them need.
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
        case .nginxTCP, .nginxUnix, .nginxSpawn, .nginxSystemd, .nginxFcgiwrap: .nginx
        case .lighttpdFastCGI, .lighttpdCGI: .lighttpd
        case .apacheProxy, .apacheFcgid, .apacheCGI, .apacheCGID: .apache2
        }
    }

    /// The file in `Examples` that describes the site.
    var file: String {
        switch self {
        case .nginxTCP: "nginx/fastcgi-tcp.conf"
        case .nginxUnix, .nginxSpawn, .nginxSystemd: "nginx/fastcgi-unix.conf"
        case .nginxFcgiwrap: "nginx/cgi-fcgiwrap.conf"
        case .lighttpdFastCGI: "lighttpd/fastcgi.conf"
        case .lighttpdCGI: "lighttpd/cgi.conf"
        case .apacheProxy: "apache/proxy-fcgi.conf"
        case .apacheFcgid: "apache/fcgid.conf"
        case .apacheCGI, .apacheCGID: "apache/cgi.conf"
        }
    }

    /// The modules that `a2enmod` would load.
    var apacheModules: [String] {
        let all = ["authz_core", "alias", "env", "setenvif"]
        return switch self {
        case .apacheProxy: ["mpm_event"] + all + ["proxy", "proxy_fcgi"]
        case .apacheFcgid: ["mpm_event"] + all + ["fcgid"]
        case .apacheCGI: ["mpm_prefork"] + all + ["cgi"]
        default: ["mpm_event"] + all + ["cgid"]
        }
    }
}
