import Foundation

/// The C programs of `Benchmarks/baseline`, compiled on demand.
enum BaselineProgram {
    /// - Returns: the program's path; nil if there is no compiler, or a library's headers are missing.
    static func compile(_ name: String, libraries: [String] = []) throws -> String? {
        guard let compiler = BenchmarkTools.find("cc") else { return nil }
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "baseline/\(name).c")
        let program = try BenchmarkTools.temporaryDirectory().appending(path: name).path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: compiler)
        process.arguments = ["-O2", "-o", program, source.path] + libraries.map { "-l\($0)" }
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? program : nil
    }

    /// A demo from the same build as this program.
    static func demo(_ name: String = "DemoCGIApp") throws -> String {
        let path = Bundle.main.executableURL?.deletingLastPathComponent().appending(path: name).path ?? ""
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw BenchmarkFailure("\(name) is not built: swift build -c release --product \(name)")
        }
        return path
    }
}

/// A program that runs beside a benchmark until `stop`.
final class BackgroundProgram {
    private let process = Process()
    private let errors = Pipe()

    init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? ""].merging(environment) { $1 }
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        // Threads that Swift starts block signals, and a child inherits the mask.
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_UNBLOCK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        try process.run()
    }

    var identifier: Int32 { process.processIdentifier }

    /// A value of `/proc/PID/status` in KiB (Linux): `VmRSS` is the current resident memory, `VmHWM` its peak.
    func memory(_ name: String) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") } ?? ""
        return Int(line.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0
    }

    /// - Returns: what it wrote to standard error.
    @discardableResult
    func stop() -> String {
        process.terminate()
        // libfcgi handles SIGTERM only at its next request.
        for _ in 0..<500 where process.isRunning { Thread.sleep(forTimeInterval: 0.01) }
        if process.isRunning { kill(identifier, SIGKILL) }
        process.waitUntilExit()
        return String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
    }

    static func wait(forFile path: String) throws {
        for _ in 0..<1000 {
            if FileManager.default.fileExists(atPath: path) { return }
            Thread.sleep(forTimeInterval: 0.01)
        }
        throw BenchmarkFailure("\(path) did not appear")
    }
}
