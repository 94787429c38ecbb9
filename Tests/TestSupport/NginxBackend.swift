import Foundation

/// An nginx on a free port, with or without TLS and HTTP/2, that answers itself or proxies to a sink, and logs each
/// request. It is killed with its object, and therefore a single process: workers would outlive a killed master.
package final class NginxBackend: Sendable {
    package struct Options: Sendable {
        package var isSecure: Bool
        /// Needs `isSecure`: clients negotiate it in the TLS handshake.
        package var speaksHTTP2: Bool
        /// The most concurrent streams of one connection; the default is nginx's.
        package var streams: Int
        /// The number of requests after which it closes a connection; nginx's default is 1,000.
        package var requestsPerConnection: Int
        /// The port of a server on 127.0.0.1 to proxy to; nil: nginx answers 204 itself.
        package var upstream: UInt16?

        package init(
            isSecure: Bool = true, speaksHTTP2: Bool = true, streams: Int = 128,
            requestsPerConnection: Int = 1_000_000, upstream: UInt16? = nil
        ) {
            self.isSecure = isSecure
            self.speaksHTTP2 = speaksHTTP2
            self.streams = streams
            self.requestsPerConnection = requestsPerConnection
            self.upstream = upstream
        }
    }

    /// A line of its access log.
    package struct Request: Sendable {
        package var connection: Int
        package var protocolName: String
        package var status: Int
        package var key: String
    }

    /// Whether tests that need it should run.
    package static var isWanted: Bool { Tool.areWanted("nginx", "openssl") }
    package static let reason = "needs nginx and openssl; REQUIRE_REAL_SERVERS=1 insists on them"

    package let port: UInt16
    private let reserved: ReservedPort
    private let folder: TemporaryFolder
    private let nginx: RunningProgram

    package init(_ options: Options = Options()) async throws {
        reserved = try ReservedPort()
        port = reserved.number
        folder = try TemporaryFolder("nginx")
        if options.isSecure { try await Self.makeCertificate(folder.path) }
        try Self.configuration(options, port).write(
            toFile: "\(folder.path)/nginx.conf", atomically: true, encoding: .utf8)
        guard let program = Tool.find("nginx") else { throw NeverHappened(description: "nginx is missing") }
        nginx = try RunningProgram(program, ["-p", folder.path, "-c", "nginx.conf", "-e", "error.log"])
        let (port, nginx) = (port, nginx)
        try await eventually("nginx to listen") {
            if nginx.hasEnded { throw NeverHappened(description: "nginx ended: \(nginx.errors)") }
            return (try? RawClient(port: port)) != nil
        }
    }

    /// The path of its CA certificate, for `RA_CA_FILE`.
    package var authority: String { "\(folder.path)/certificate.pem" }

    /// The requests logged so far.
    package var requests: [Request] {
        let text = (try? String(contentsOfFile: "\(folder.path)/access.log", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 4, let connection = Int(words[0]), let status = Int(words[2]) else { return nil }
            return Request(
                connection: connection, protocolName: String(words[1]), status: status, key: String(words[3]))
        }
    }

    package func stop() async throws { try await nginx.stop() }

    private static func configuration(_ options: Options, _ port: UInt16) -> String {
        let secure =
            options.isSecure ? "ssl_certificate certificate.pem; ssl_certificate_key key.pem;" : ""
        let listen = (options.isSecure ? " ssl" : "") + (options.speaksHTTP2 ? " http2" : "")
        let upstream = options.upstream.map { "upstream sink { server 127.0.0.1:\($0); keepalive 256; }" } ?? ""
        let answer =
            options.upstream == nil
            ? "return 204;"
            : "proxy_pass http://sink; proxy_http_version 1.1; proxy_set_header Connection '';"
        return """
            daemon off; master_process off; pid pid; error_log error.log;
            events { worker_connections 4096; }
            http {
                log_format requests '$connection $server_protocol $status $http_idempotency_key';
                access_log access.log requests; client_body_temp_path body; proxy_temp_path proxy;
                fastcgi_temp_path fcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                client_body_buffer_size 2m; client_max_body_size 4m;
                keepalive_requests \(options.requestsPerConnection); http2_max_concurrent_streams \(options.streams);
                \(secure)
                \(upstream)
                server { listen 127.0.0.1:\(port)\(listen) backlog=1024; location / { \(answer) } }
            }
            """
    }

    /// Creates a self-signed certificate for 127.0.0.1.
    private static func makeCertificate(_ path: String) async throws {
        guard let program = Tool.find("openssl") else { throw NeverHappened(description: "openssl is missing") }
        let arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(path)/key.pem",
            "-out", "\(path)/certificate.pem",
        ]
        let run = try RunningProgram(program, arguments)
        guard try await run.end() == 0 else { throw NeverHappened(description: "openssl: \(run.errors)") }
    }
}
