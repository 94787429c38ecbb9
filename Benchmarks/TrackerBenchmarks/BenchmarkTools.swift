import Foundation
import TrackerCore

/// Programs that benchmarks compare with; nothing here is needed to build or use the tracker.
enum BenchmarkTools {
    /// `RUSAGE_SELF`, which the C libraries give different types.
    #if canImport(Glibc)
        static let thisProcess = RUSAGE_SELF.rawValue
    #else
        static let thisProcess = RUSAGE_SELF
    #endif

    /// The path of a program, or nil if it is not installed.
    static func find(_ name: String) -> String? {
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin:/usr/local/sbin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile)
    }

    /// A port that was free a moment ago.
    static func freePort() throws -> UInt16 {
        let (descriptor, port) = try TCPListener.open(host: "127.0.0.1", port: 0)
        close(descriptor)
        return port
    }

    static func temporaryDirectory() throws -> URL {
        let directory = FileManager.default.temporaryDirectory.appending(path: "tracker-benchmark-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        return directory
    }
}

/// An nginx with one worker that answers every request with 200, and on demand says that it takes batches.
final class NginxSink {
    let url: String
    private let process: Process
    private let directory: URL

    private init(url: String, process: Process, directory: URL) {
        self.url = url
        self.process = process
        self.directory = directory
    }

    static func start(takesBatches: Bool = false) throws -> NginxSink? {
        guard let program = BenchmarkTools.find("nginx") else { return nil }
        let directory = try BenchmarkTools.temporaryDirectory()
        let port = try BenchmarkTools.freePort()
        let batches = takesBatches ? "add_header Accept-Post application/x-ndjson;" : ""
        let text = """
            daemon off; worker_processes 1; pid \(directory.path)/pid; error_log \(directory.path)/error.log;
            events { worker_connections 1024; }
            http {
                access_log off; keepalive_requests 1000000000; client_body_buffer_size 2m; client_max_body_size 4m;
                client_body_temp_path \(directory.path)/body;
                server { listen 127.0.0.1:\(port) backlog=1024; location / { \(batches) return 200; } }
            }
            """
        let file = directory.appending(path: "nginx.conf")
        try text.write(to: file, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["-c", file.path]
        process.standardError = FileHandle.nullDevice
        try process.run()
        let url = "http://127.0.0.1:\(port)"
        for _ in 0..<500 {
            if process.isRunning, isAnswering(port) {
                return NginxSink(url: url, process: process, directory: directory)
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
        throw BenchmarkFailure("nginx did not start")
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }

    private static func isAnswering(_ port: UInt16) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        defer { close(descriptor) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

/// `Benchmarks/baseline/curl_multi.c`, compiled.
struct CurlBaseline {
    private let program: String

    /// Returns nil where there is no compiler, or libcurl's headers are missing.
    static func build() throws -> CurlBaseline? {
        try BaselineProgram.compile("curl_multi", libraries: ["curl"]).map { CurlBaseline(program: $0) }
    }

    func run(url: String, count: Int, connections: Int, bytes: Int) throws -> (rate: Double, cpu: Double) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["\(url)/p", String(count), String(connections), String(bytes)]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let numbers = text.split(separator: " ").compactMap {
            Double($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        guard numbers.count == 3, numbers[2] == 0 else { throw BenchmarkFailure("curl_multi said: \(text)") }
        return (numbers[0], numbers[1])
    }
}
