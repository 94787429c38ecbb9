import CSpawn
import Foundation
import Synchronization
import TrackerCore

/// An executable of this package, or any program, as a real process. It is killed with its object.
package final class RunningProgram: Sendable {
    private struct State {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var endedStreams = 0
        var status: Int32?
        var endedAt: ContinuousClock.Instant?
    }

    private let name: String
    private let box = Box()

    private final class Box: Sendable {
        let state = Mutex(State())
    }

    /// The process ID.
    package let identifier: Int32

    /// - Parameters:
    ///   - program: the name of one of this package's executables, or an absolute path.
    ///   - environment: the environment besides `PATH`, `HOME`, `LD_*`, `*SAN_OPTIONS`, `MALLOC_*` and `MUTATION`, which
    ///     are inherited.
    package init(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
        directory: URL? = nil, input: FileHandle? = nil
    ) throws {
        let path = program.hasPrefix("/") ? program : try Self.built(program).path
        let own = ProcessInfo.processInfo.environment
        let whole = ["PATH": own["PATH"] ?? "/usr/bin:/bin", "HOME": own["HOME"] ?? "/"]
            .merging(
                own.filter { variable, _ in
                    ["LD_", "MALLOC_", "MUTATION"].contains { variable.hasPrefix($0) }
                        || variable.hasSuffix("SAN_OPTIONS")
                }
            ) { $1 }
            .merging(environment) { $1 }
        guard let nothing = FileHandle(forReadingAtPath: "/dev/null") else {
            throw SystemError(call: "open(/dev/null)")
        }
        let output = Pipe()
        let errors = Pipe()
        name = URL(fileURLWithPath: path).lastPathComponent
        identifier = Self.withStrings([path] + arguments) { arguments in
            Self.withStrings(whole.map { "\($0)=\($1)" }) { environment in
                cspawn_start(
                    path, arguments, environment, directory?.path,
                    (input ?? nothing).fileDescriptor, output.fileHandleForWriting.fileDescriptor,
                    errors.fileHandleForWriting.fileDescriptor)
            }
        }
        try? output.fileHandleForWriting.close()
        try? errors.fileHandleForWriting.close()
        guard identifier > 0 else { throw SystemError(call: "start of \(path)", code: -identifier) }
        let box = box
        Self.collect(output.fileHandleForReading) { bytes in
            box.state.withLock { if let bytes { $0.output += bytes } else { $0.endedStreams += 1 } }
        }
        Self.collect(errors.fileHandleForReading) { bytes in
            box.state.withLock { if let bytes { $0.errors += bytes } else { $0.endedStreams += 1 } }
        }
        let identifier = identifier
        Thread.detachNewThread {
            let status = cspawn_wait(identifier)
            box.state.withLock {
                $0.status = status
                $0.endedAt = .now
                // Under the lock, so that a signal never reaches another process with the same ID.
                cspawn_reap(identifier)
            }
        }
    }

    deinit { signal(SIGKILL) }

    private static func withStrings<R>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> R
    ) -> R {
        let copies = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeBufferPointer { body($0.baseAddress) }
    }

    package var output: String { box.state.withLock { String(decoding: $0.output, as: UTF8.self) } }
    package var errors: String { box.state.withLock { String(decoding: $0.errors, as: UTF8.self) } }
    /// The exit status; nil while it runs.
    package var status: Int32? { box.state.withLock { $0.status } }
    /// When its end was detected, by a thread that no test can delay; nil while it runs.
    package var endedAt: ContinuousClock.Instant? { box.state.withLock { $0.endedAt } }
    package var hasEnded: Bool { status != nil }
    package var lines: [String] { output.split(separator: "\n").map(String.init) }

    package func signal(_ number: Int32) {
        // A number below 1 would address a process group.
        box.state.withLock { if $0.status == nil, identifier > 0 { kill(identifier, number) } }
    }

    /// Sends SIGTERM and waits for the end.
    @discardableResult
    package func stop(within limit: Duration = TestTimeout.standard) async throws -> Int32 {
        signal(SIGTERM)
        return try await end(within: limit)
    }

    /// Waits for the end.
    package func end(within limit: Duration = TestTimeout.standard) async throws -> Int32 {
        try await eventually(within: limit, "the end of \(name)") { hasEnded }
        // Wait for the rest of its output; children that are still running may keep it open.
        try? await eventually(within: .seconds(2)) { box.state.withLock { $0.endedStreams == 2 } }
        return status ?? -1
    }

    /// Waits for a line on standard error that contains a text, and returns the port of its first URL.
    package func port(after text: String) async throws -> UInt16 {
        var port: UInt16?
        try await eventually("\"\(text)\" on standard error") {
            if let status { throw NeverHappened(description: "ended with \(status): \(errors)") }
            guard let line = errors.split(separator: "\n").first(where: { $0.contains(text) }),
                let address = line.range(of: "http://").map({ line[$0.upperBound...] }),
                let colon = address.prefix(while: { $0 != "/" }).lastIndex(of: ":")
            else { return false }
            port = UInt16(address[address.index(after: colon)...].prefix { $0.isNumber })
            return port != nil
        }
        return port ?? 0
    }

    /// The number of its threads (Linux).
    package var threads: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/task").count) ?? 0
    }

    /// The number of its open file descriptors (Linux).
    package var descriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count) ?? 0
    }

    /// The processor time it has used, in hundredths of a second (Linux).
    package var processorTicks: Int {
        let text = (try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)) ?? ""
        // The name, in parentheses, may contain spaces; the third field follows it (proc_pid_stat(5)).
        let fields = (text.split(separator: ")").last ?? "").split(separator: " ")
        return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
    }

    /// Resident memory in bytes (Linux).
    package var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/\(identifier)/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4096
    }

    private static func collect(_ handle: FileHandle, _ take: @escaping @Sendable ([UInt8]?) -> Void) {
        let descriptor = dup(handle.fileDescriptor)
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                take(Array(buffer[..<count]))
            }
            close(descriptor)
            take(nil)
        }
    }

    /// The path of one of this package's executables.
    package static func path(of name: String) throws -> String { try built(name).path }

    /// Finds an executable beside this test, in the folder of the build.
    private static func built(_ name: String) throws -> URL {
        var candidates: [URL] = []
        if let executable = Bundle.main.executableURL { candidates.append(executable.deletingLastPathComponent()) }
        for argument in CommandLine.arguments where argument.contains(".xctest") {
            var url = URL(fileURLWithPath: argument)
            while url.pathComponents.count > 1, !url.lastPathComponent.hasSuffix(".xctest") {
                url.deleteLastPathComponent()
            }
            candidates.append(url.deletingLastPathComponent())
        }
        for candidate in candidates {
            let file = candidate.appending(path: name)
            if FileManager.default.isExecutableFile(atPath: file.path) { return file }
        }
        throw NeverHappened(description: "\(name) is not built; looked in \(candidates.map(\.path))")
    }
}

/// Programs that some tests need.
package enum Tool {
    /// The path of a program; nil if it is not installed.
    package static func find(_ name: String) -> String? {
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin:/sbin:/usr/local/sbin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile)
    }

    /// The path of the axe-core script, from `AXE_SCRIPT` or `scripts/check-tools`; nil if it is missing.
    package static var axe: String? {
        if let path = ProcessInfo.processInfo.environment["AXE_SCRIPT"] { return path }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let libraries = root.appending(path: ".build/check-tools/lib").path
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries)) ?? []
        return versions.map { "\(libraries)/\($0)/site-packages/axe_playwright_python/axe.min.js" }
            .first(where: FileManager.default.fileExists)
    }

    /// Whether the programs are required: tests that need a missing one then fail.
    package static var areRequired: Bool { ProcessInfo.processInfo.environment["REQUIRE_REAL_SERVERS"] == "1" }

    /// Whether a test that needs these programs should run: if they are installed or required
    /// (`REQUIRE_REAL_SERVERS=1`).
    package static func areWanted(_ names: String...) -> Bool {
        ProcessInfo.processInfo.environment["REQUIRE_REAL_SERVERS"] == "1" || names.allSatisfy { find($0) != nil }
    }
}
