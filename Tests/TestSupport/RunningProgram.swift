import Foundation
import Synchronization

/// A built executable of this package, or any program, as a real process. It is killed when the object goes.
package final class RunningProgram: Sendable {
    private struct State {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var endedStreams = 0
        var status: Int32?
        var endedAt: ContinuousClock.Instant?
    }

    private let process: Process
    private let state: Box
    private let ended = DispatchSemaphore(value: 0)

    private final class Box: Sendable {
        let state = Mutex(State())
    }

    /// - Parameters:
    ///   - program: the name of one of this package's executables, or an absolute path.
    ///   - environment: the whole environment but for `PATH` and `HOME`.
    package init(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
        directory: URL? = nil, input: FileHandle? = nil
    ) throws {
        process = Process()
        state = Box()
        process.executableURL = program.hasPrefix("/") ? URL(fileURLWithPath: program) : try Self.built(program)
        process.arguments = arguments
        let own = ProcessInfo.processInfo.environment
        process.environment = ["PATH": own["PATH"] ?? "/usr/bin:/bin", "HOME": own["HOME"] ?? "/"]
            .merging(own.filter { $0.key.hasPrefix("LD_") || $0.key.hasSuffix("SAN_OPTIONS") }) { $1 }
            .merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = directory }
        process.standardInput = input ?? FileHandle.nullDevice
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        let box = state
        Self.collect(output.fileHandleForReading) { bytes in
            box.state.withLock { if let bytes { $0.output += bytes } else { $0.endedStreams += 1 } }
        }
        Self.collect(errors.fileHandleForReading) { bytes in
            box.state.withLock { if let bytes { $0.errors += bytes } else { $0.endedStreams += 1 } }
        }
        let ended = ended
        process.terminationHandler = { process in
            box.state.withLock {
                $0.status = process.terminationStatus
                $0.endedAt = .now
            }
            ended.signal()
        }
        // Swift's own threads block signals, and a child inherits that.
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_UNBLOCK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        try process.run()
        try? output.fileHandleForWriting.close()
        try? errors.fileHandleForWriting.close()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    package var identifier: Int32 { process.processIdentifier }
    package var output: String { state.state.withLock { String(decoding: $0.output, as: UTF8.self) } }
    package var errors: String { state.state.withLock { String(decoding: $0.errors, as: UTF8.self) } }
    /// nil as long as it runs.
    package var status: Int32? { state.state.withLock { $0.status } }
    /// When its end was noticed, by a thread that no test can hold up; nil if only ``end(within:)`` noticed it.
    package var endedAt: ContinuousClock.Instant? { state.state.withLock { $0.endedAt } }
    /// Whether it has ended, even if Foundation has not noticed.
    package var hasEnded: Bool { status != nil || statusOfZombie != nil }
    package var lines: [String] { output.split(separator: "\n").map(String.init) }

    package func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Sends SIGTERM and waits for the end.
    @discardableResult
    package func stop(within limit: Duration = .seconds(60)) async throws -> Int32 {
        signal(SIGTERM)
        return try await end(within: limit)
    }

    /// Waits for the end.
    package func end(within limit: Duration = .seconds(60)) async throws -> Int32 {
        let patience = ContinuousClock.now + .seconds(1)
        var unnoticed: Int32?
        try await eventually(within: limit, "the end of \(process.executableURL?.lastPathComponent ?? "?")") {
            if status == nil, ContinuousClock.now > patience { unnoticed = statusOfZombie }
            return status != nil || unnoticed != nil
        }
        // All that it wrote; children that live on may keep its output open.
        try? await eventually(within: .seconds(2)) { state.state.withLock { $0.endedStreams == 2 } }
        return status ?? unnoticed ?? -1
    }

    /// The status of a process that has ended, whether Foundation has noticed or not: it waits for the end of a
    /// descriptor, and a program that another test started at the wrong moment may have inherited that.
    private var statusOfZombie: Int32? {
        var information = siginfo_t()
        let options = Int32(WEXITED) | Int32(WNOHANG) | Int32(WNOWAIT)
        guard waitid(P_PID, id_t(identifier), &information, options) == 0, information.si_signo == SIGCHLD else {
            return nil
        }
        #if canImport(Glibc)
            return information._sifields._sigchld.si_status
        #else
            return information.si_status
        #endif
    }

    /// Waits for a line on standard error that holds a text, and gives the port at the end of its first address.
    package func port(after text: String) async throws -> UInt16 {
        var port: UInt16?
        try await eventually(within: .seconds(60), "\"\(text)\" on standard error") {
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

    /// How many threads it has (Linux).
    package var threads: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/task").count) ?? 0
    }

    /// How many descriptors it has open (Linux).
    package var descriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count) ?? 0
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

    /// Where one of this package's executables is.
    package static func path(of name: String) throws -> String { try built(name).path }

    /// Beside this test, in the folder that it was built into.
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

    /// Whether a test that needs these programs is to run: if they are there, or must be (`REQUIRE_REAL_SERVERS=1`).
    package static func areWanted(_ names: String...) -> Bool {
        ProcessInfo.processInfo.environment["REQUIRE_REAL_SERVERS"] == "1" || names.allSatisfy { find($0) != nil }
    }
}
