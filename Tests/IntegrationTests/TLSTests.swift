import Foundation
import TestSupport
import Testing

/// An nginx with TLS on a free port, with a certificate from a private CA, that logs each request.
final class TLSServer {
    let directory: URL
    let port: UInt16
    private let nginx: RunningProgram

    init() async throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "tracker-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try await Self.openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=PrivateAuthority", directory
        )
        try await Self.openssl(
            "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost", directory)
        try "subjectAltName=DNS:localhost,IP:127.0.0.1".write(
            to: directory.appending(path: "san"), atomically: true, encoding: .utf8)
        try await Self.openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem",
            directory)
        let probe = try ScriptedBackend()
        port = probe.port
        probe.stop()
        let text = """
            daemon off; worker_processes 1; pid pid; error_log error.log;
            events { worker_connections 64; }
            http {
                access_log access.log; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fcgi;
                uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                server {
                    listen 127.0.0.1:\(port) ssl http2;
                    ssl_certificate server.pem; ssl_certificate_key server.key;
                    location / { return 200; }
                }
            }
            """
        try text.write(to: directory.appending(path: "nginx.conf"), atomically: true, encoding: .utf8)
        let program = try #require(Tool.find("nginx"))
        nginx = try RunningProgram(program, ["-p", directory.path, "-c", "nginx.conf", "-e", "error.log"])
        let port = port
        try await eventually("nginx to listen") { (try? RawClient(port: port)) != nil }
    }

    var requests: [Substring] {
        ((try? String(contentsOf: directory.appending(path: "access.log"), encoding: .utf8)) ?? "")
            .split(separator: "\n").filter { $0.contains("POST /p ") }
    }

    func stop() async throws {
        try await nginx.stop()
        try FileManager.default.removeItem(at: directory)
    }

    private static func openssl(_ arguments: String, _ directory: URL) async throws {
        let program = try #require(Tool.find("openssl"))
        let run = try RunningProgram(program, arguments.split(separator: " ").map(String.init), directory: directory)
        let status = try await run.end()
        try #require(status == 0, "openssl: \(run.errors)")
    }
}

@Suite(
    "Over https", .serialized,
    .enabled(if: Tool.areWanted("nginx", "openssl"), "needs nginx and openssl; REQUIRE_REAL_SERVERS=1 insists on them"))
struct TLSTests {
    private func run(_ settings: [String: String], port: UInt16) async throws -> RunningProgram {
        let environment = [
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "tok-s3cr3t",
            "RA_BACKEND_ENDPOINT": "https://localhost:\(port)", "RA_SHUTDOWN_TIMEOUT": "1s",
        ]
        let demo = try RunningProgram(
            "DemoRouterApp", ["--port", "0"], environment: environment.merging(settings) { $1 })
        let demoPort = try await demo.port(after: "Open http")
        let client = try RawClient(port: demoPort)
        for _ in 0..<5 {
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
        }
        return demo
    }

    @Test("a backend with a certificate of a private authority gets its events")
    func privateAuthority() async throws {
        let server = try await TLSServer()
        let demo = try await run(["RA_CA_FILE": server.directory.appending(path: "ca.pem").path], port: server.port)
        try await eventually("five requests") { server.requests.count == 5 }
        #expect(server.requests.allSatisfy { $0.contains("HTTP/2.0") })
        try await demo.stop()
        #expect(demo.errors.contains("captured 5, delivered 5"))
        try await server.stop()
    }

    @Test("a backend behind a distant proxy's tunnel gets its events, and only those count as delivered")
    func tunnel() async throws {
        let server = try await TLSServer()
        let port = server.port
        let proxy = try ScriptedBackend { _ in .tunnel(to: port, delay: .milliseconds(50)) }
        let sender = try Sender(
            "tunnel", endpoint: "https://localhost:\(port)",
            settings: [
                "https_proxy": proxy.endpoint, "RA_CA_FILE": server.directory.appending(path: "ca.pem").path,
            ])
        try await sender.ask("capture 20")
        #expect(try await sender.ask("flush 20").hasSuffix("dropped 0 pending 0"))
        let counts = try await sender.counts()
        #expect(counts.delivered == 20 && counts.retried == 0, "\(counts)")
        try await eventually("twenty requests") { server.requests.count == 20 }
        #expect(try await sender.finish() == 0)
        #expect(server.requests.count == 20)
        #expect(proxy.received.allSatisfy { $0.line.hasPrefix("CONNECT localhost:") })
        proxy.stop()
        try await server.stop()
    }

    @Test("a certificate that is not trusted is refused with a clear line, and nothing is sent")
    func untrusted() async throws {
        let server = try await TLSServer()
        let demo = try await run([:], port: server.port)
        try await eventually("the log line") { demo.errors.contains("the connection is not trusted") }
        try await demo.stop()
        #expect(demo.errors.contains("captured 5, delivered 0"))
        #expect(demo.errors.contains("shutdown 5"))
        #expect(server.requests.isEmpty)
        #expect(!demo.errors.contains("s3cr3t"))
        try await server.stop()
    }

    @Test("the check of a CGI program trusts the backend as delivery does, and sends it nothing")
    func check() async throws {
        let server = try await TLSServer()
        let settings = [
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "tok-s3cr3t",
            "RA_BACKEND_ENDPOINT": "https://localhost:\(server.port)",
        ]
        let untrusted = try RunningProgram("DemoCGIApp", ["--check"], environment: settings)
        #expect(try await untrusted.end() == 78)
        #expect(untrusted.output.contains("FAILED  backend") && untrusted.output.contains("certificate"))
        let authority = server.directory.appending(path: "ca.pem").path
        let trusted = try RunningProgram(
            "DemoCGIApp", ["--check"], environment: settings.merging(["RA_CA_FILE": authority]) { $1 })
        #expect(try await trusted.end() == 0, "\(trusted.output)")
        #expect(trusted.output.contains("its certificate is trusted"))
        try await server.stop()
        let log = try? String(contentsOf: server.directory.appending(path: "access.log"), encoding: .utf8)
        #expect(log ?? "" == "")
    }
}
