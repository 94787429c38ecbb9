import Foundation

/// Requests per second through nginx, over a Unix socket with keep-alive, to one process that says hello: a C program
/// on libfcgi with 32 threads, the demo without the tracker, and the demo with it. Seven alternating rounds.
///
/// A visitor's first request gets a session cookie, which all later ones bring along; both are measured.
enum FastCGIBenchmark {
    private static let rounds = 7
    private static let connections = 32

    static func run() throws -> Table {
        var table = Table(
            "nginx -> FastCGI hello, wrk with \(connections) connections, median of \(rounds) rounds",
            columns: ["program", "requests/s", "ratio"])
        guard let nginx = BenchmarkTools.find("nginx"), let wrk = Wrk(connections: connections) else {
            table.add("skipped: needs nginx and wrk", "", "")
            return table
        }
        let baseline = try BaselineProgram.compile("fcgi_hello", libraries: ["fcgi", "pthread"])
        let site = try Site(nginx: nginx, baseline: baseline)
        defer { site.stop() }
        var rates: [Load: [Double]] = [:]
        for _ in 0..<rounds {
            for load in Load.allCases where load != .c || baseline != nil {
                rates[load, default: []].append(try wrk.rate(site.url + load.path, cookie: load.cookie))
            }
        }
        func rate(_ load: Load) -> Double { median(rates[load] ?? []) }
        /// The median of the per-round ratios: a disturbance affects both halves of a round.
        func ratio(_ load: Load, to other: Load) -> String {
            decimal(median(zip(rates[load] ?? [], rates[other] ?? []).map { $0 / $1 }))
        }
        if baseline == nil {
            table.add("C, libfcgi: needs cc and libfcgi-dev", "", "")
            table.add("demo, no tracker", String(Int(rate(.plain))), "")
        } else {
            table.add("C, libfcgi, 32 threads", String(Int(rate(.c))), "1.00")
            table.add("demo, no tracker", String(Int(rate(.plain))), "\(ratio(.plain, to: .c)) of C")
        }
        table.add(
            "demo, tracked and delivered, first requests", String(Int(rate(.first))),
            "\(ratio(.first, to: .plain)) of no tracker")
        table.add(
            "demo, tracked and delivered, later requests", String(Int(rate(.later))),
            "\(ratio(.later, to: .plainLater)) of no tracker, same cookie")
        table.add("its events: \(site.stopTracked())", "", "")
        return table
    }

    private enum Load: CaseIterable {
        case c, plain, first, plainLater, later

        var path: String {
            switch self {
            case .c: "/c"
            case .plain, .plainLater: "/plain/hello/x/"
            case .first, .later: "/tracked/hello/x/"
            }
        }

        var cookie: String? {
            switch self {
            case .plainLater, .later: "ra_session_id=00112233445566778899aabbccddeeff"
            default: nil
            }
        }
    }

    /// nginx, the programs behind it, and the sink for events: a second nginx that accepts batches.
    private final class Site {
        let url: String
        private let directory: URL
        private let nginx: BackgroundProgram
        private let sink: NginxSink?
        private var programs: [BackgroundProgram] = []
        private var tracked: BackgroundProgram?

        init(nginx program: String, baseline: String?) throws {
            directory = try BenchmarkTools.temporaryDirectory()
            let path = directory.path
            let port = try BenchmarkTools.freePort()
            url = "http://127.0.0.1:\(port)"
            sink = try NginxSink.start(.init(takesBatches: true))
            let demo = try BaselineProgram.demo()
            if let baseline { programs.append(try BackgroundProgram(baseline, ["\(path)/c.sock", "32"])) }
            programs.append(try BackgroundProgram(demo, ["--no-tracker", "--fastcgi", "unix:\(path)/plain.sock"]))
            tracked = try BackgroundProgram(
                demo, ["--fastcgi", "unix:\(path)/tracked.sock"],
                environment: [
                    "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": sink?.url ?? "",
                ])
            let names = (baseline == nil ? [] : ["c"]) + ["plain", "tracked"]
            for name in names { try BackgroundProgram.wait(forFile: "\(path)/\(name).sock") }
            try Self.configuration(path, port, names).write(
                to: directory.appending(path: "nginx.conf"), atomically: true, encoding: .utf8)
            nginx = try BackgroundProgram(
                program, ["-p", path, "-c", "\(path)/nginx.conf", "-e", "\(path)/error.log"])
            try BackgroundProgram.wait(forFile: "\(path)/pid")
        }

        private static func configuration(_ path: String, _ port: UInt16, _ names: [String]) -> String {
            let upstreams = names.map {
                "upstream \($0) { server unix:\(path)/\($0).sock; keepalive 64; keepalive_requests 1000000000; }"
            }
            return """
                daemon off; worker_processes 1; pid pid; \(geteuid() == 0 ? "user root;" : "")
                events { worker_connections 1024; }
                http {
                    access_log off; keepalive_requests 1000000000; client_body_temp_path b; fastcgi_temp_path f;
                    proxy_temp_path x; uwsgi_temp_path u; scgi_temp_path s;
                    \(upstreams.joined(separator: "\n"))
                    fastcgi_keep_conn on;
                    fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
                    fastcgi_param REQUEST_URI $uri; fastcgi_param SERVER_PROTOCOL $server_protocol;
                    fastcgi_param SERVER_NAME $server_name; fastcgi_param SERVER_PORT $server_port;
                    fastcgi_param REMOTE_ADDR $remote_addr; fastcgi_param CONTENT_LENGTH $content_length;
                    server {
                        listen 127.0.0.1:\(port) backlog=1024;
                        location /plain/ { rewrite ^/plain(/.*)$ $1 break; fastcgi_pass plain; }
                        location /c { fastcgi_pass \(names.contains("c") ? "c" : "plain"); }
                        location /tracked/ { rewrite ^/tracked(/.*)$ $1 break; fastcgi_pass tracked; }
                    }
                }
                """
        }

        /// - Returns: the tracker's counts of the events.
        func stopTracked() -> String {
            defer { tracked = nil }
            let lines = tracked?.stop().split(separator: "\n") ?? []
            return lines.last { $0.hasPrefix("tracker: ") }.map { String($0.dropFirst(9)) } ?? "unknown"
        }

        func stop() {
            nginx.stop()
            _ = stopTracked()
            for program in programs { program.stop() }
            sink?.stop()
            try? FileManager.default.removeItem(at: directory)
        }
    }
}
