import Foundation
import TestSupport
import TrackerCore

/// An nginx with one worker that answers every request with 200 and can announce that it accepts batches.
final class NginxSink {
    /// What the sink offers.
    struct Offer {
        var takesBatches = false
        var takesGzip = false
        var isSecure = false
        var speaksHTTP2 = false
    }

    let port: UInt16

    let url: String
    /// The CA that signed the sink's certificate, if it has one.
    let authority: String?
    private let process: BackgroundProgram
    private let directory: URL

    /// - Returns: nil if nginx is not installed, or openssl for a secure sink.
    static func start(_ offer: Offer = Offer()) throws -> NginxSink? {
        guard let program = BenchmarkTools.find("nginx") else { return nil }
        let directory = try BenchmarkTools.temporaryDirectory()
        if offer.isSecure, try !makeCertificate(directory.path) { return nil }
        return try NginxSink(program, directory, offer)
    }

    private init(_ program: String, _ directory: URL, _ offer: Offer) throws {
        self.directory = directory
        let path = directory.path
        port = try BenchmarkTools.freePort()
        url = "\(offer.isSecure ? "https" : "http")://127.0.0.1:\(port)"
        authority = offer.isSecure ? "\(path)/certificate.pem" : nil
        let batches = offer.takesBatches ? "add_header Accept-Post application/x-ndjson;" : ""
        let gzip = offer.takesGzip ? "add_header Accept-Encoding gzip;" : ""
        let secure =
            offer.isSecure ? "ssl_certificate \(path)/certificate.pem; ssl_certificate_key \(path)/key.pem;" : ""
        let text = """
            daemon off; worker_processes 1; pid \(path)/pid; error_log \(path)/error.log;
            events { worker_connections 4096; }
            http {
                access_log off; keepalive_requests 1000000000; client_body_buffer_size 2m; client_max_body_size 4m;
                client_body_temp_path \(path)/body; fastcgi_temp_path \(path)/f; proxy_temp_path \(path)/x;
                uwsgi_temp_path \(path)/u; scgi_temp_path \(path)/s; \(secure)
                server {
                    listen 127.0.0.1:\(port) \(offer.isSecure ? "ssl" : "") \(offer.speaksHTTP2 ? "http2" : "") backlog=1024;
                    location = /status { stub_status; }
                    location / { \(batches) \(gzip) return 200; }
                }
            }
            """
        let file = directory.appending(path: "nginx.conf")
        try text.write(to: file, atomically: true, encoding: .utf8)
        process = try BackgroundProgram(program, ["-c", file.path, "-e", "\(path)/error.log"])
        // nginx writes its PID file once it listens.
        try BackgroundProgram.wait(forFile: "\(path)/pid")
    }

    /// The number of requests answered so far, including these queries; without TLS only.
    func requests() throws -> Int {
        let client = try RawClient(port: port)
        client.send("GET /status HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        let lines = client.receiveAll().split(separator: "\n")
        guard let title = lines.firstIndex(where: { $0.hasPrefix("server accepts handled requests") }),
            let count = lines[title + 1].split(separator: " ").last.flatMap({ Int($0) })
        else { throw BenchmarkFailure("nginx says nothing about its requests") }
        return count
    }

    func stop() {
        process.stop()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Creates a self-signed certificate for 127.0.0.1; returns false if openssl is missing or fails.
    private static func makeCertificate(_ path: String) throws -> Bool {
        guard let openssl = BenchmarkTools.find("openssl") else { return false }
        let arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(path)/key.pem",
            "-out", "\(path)/certificate.pem",
        ]
        return try BenchmarkTools.run(openssl, arguments).status == 0
    }
}
