import Foundation
import TrackerCore

/// Finds and runs the programs that benchmarks compare with. None is needed to build or use the tracker.
enum BenchmarkTools {
    /// `RUSAGE_SELF`, whose type differs between C libraries.
    #if canImport(Glibc)
        static let thisProcess = RUSAGE_SELF.rawValue
    #else
        static let thisProcess = RUSAGE_SELF
    #endif

    /// The path of a program; nil if it is not installed.
    static func find(_ name: String) -> String? {
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin:/usr/local/sbin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile)
    }

    /// Returns a port that was free a moment ago.
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

    /// Runs a program to its end.
    ///
    /// - Returns: its standard output and its status.
    static func run(_ program: String, _ arguments: [String]) throws -> (output: String, status: Int32) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (text, process.terminationStatus)
    }

    /// Waits until a server listens.
    static func wait(forPort port: UInt16) throws {
        for _ in 0..<1000 {
            if isAnswering(port) { return }
            Thread.sleep(forTimeInterval: 0.01)
        }
        throw BenchmarkFailure("nobody listens on port \(port)")
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

extension TrackerConfiguration {
    /// Returns the configuration of all delivery benchmarks: unfiltered events, and a queue that holds a whole round.
    static func forDelivery(
        to url: String, connections: Int, usesBatches: Bool, usesCompression: Bool = false, caFile: String? = nil
    ) throws -> TrackerConfiguration {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t", backendEndpoint: url)
        configuration.maximumConnections = connections
        configuration.privacy = .none
        configuration.usesBatches = usesBatches
        configuration.usesCompression = usesCompression
        configuration.caFile = caFile
        configuration.queueCapacity = 400_000
        configuration.queueMaximumBytes = 1 << 30
        return configuration
    }
}
