import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("The CGI demo as a process", .serialized)
struct CGIProcessTests {
    private static func cgi(_ target: String, length: Int?, endpoint: String = "") -> [String: String] {
        var variables = [
            "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": length == nil ? "GET" : "POST", "REQUEST_URI": target,
            "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "h",
        ]
        if let length { variables["CONTENT_LENGTH"] = String(length) }
        if !endpoint.isEmpty {
            variables.merge(
                ["RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": endpoint]) { $1 }
        }
        return variables
    }

    /// Returns whether a process ignores a signal (Linux: proc(5), `SigIgn`).
    private static func ignores(_ signal: Int32, _ program: RunningProgram) -> Bool {
        let text = (try? String(contentsOfFile: "/proc/\(program.identifier)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }
        let mask = line.flatMap { UInt64($0.split(separator: "\t").last ?? "", radix: 16) } ?? 0
        return mask & 1 << UInt64(signal - 1) != 0
    }

    @Test("stops waiting for its body once it is stopped, and its event says so")
    func termination() async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let port = try await handler.port(after: "listens on")
        let body = Pipe()
        let run = try RunningProgram(
            "DemoCGIApp", environment: Self.cgi("/json/", length: 10, endpoint: "http://127.0.0.1:\(port)"),
            input: body.fileHandleForReading)
        try await eventually("the wait for the body") {
            (try? String(contentsOfFile: "/proc/\(run.identifier)/syscall", encoding: .utf8))?.hasPrefix("7 ") == true
                || (try? String(contentsOfFile: "/proc/\(run.identifier)/wchan", encoding: .utf8))?.contains("poll")
                    == true
        }
        // Programs that a handler starts would inherit an ignored signal.
        #expect(!Self.ignores(SIGTERM, run))
        run.signal(SIGTERM)
        _ = try await run.end()
        try await eventually("the event") { handler.lines.count == 1 }
        #expect(PrintedEvent(handler.lines[0])?.status == 499)
        withExtendedLifetime(body) {}
        try await handler.stop()
    }

    @Test("ends on request, even while a handler ignores it")
    func deafHandler() async throws {
        let run = try RunningProgram("DemoCGIApp", environment: Self.cgi("/async-sleep?ms=9999999", length: nil))
        try await eventually("its threads") { run.threads > 1 }
        // Until the handler runs, SIGTERM has its default action and ends the process.
        run.signal(SIGTERM)
        _ = try await run.end(within: .seconds(9))
    }

    @Test("responds with missing or invalid settings, and logs why in one line")
    func unconfigured() async throws {
        for settings in [
            ["RA_PROJECT_ID": "p"], ["RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_SAMPLE_RATE": "x"],
        ] {
            let run = try RunningProgram(
                "DemoCGIApp", environment: Self.cgi("/", length: nil).merging(settings) { $1 })
            #expect(try await run.end() == 0)
            #expect(run.output.hasPrefix("Status: 200 OK\r\n"))
            #expect(run.errors.hasPrefix("tracker: no analytics: RA_") && run.errors.split(separator: "\n").count == 1)
        }
    }

    @Test("in HTTP mode survives downloads that are broken off, and counts them as 499")
    func brokenDownloads() async throws {
        let setup = try await DemoSetup(program: "DemoCGIApp")
        for _ in 0..<10 {
            let client = try RawClient(port: setup.port)
            client.send("GET /big?n=100000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(!client.receive().isEmpty)
            client.close()
        }
        let client = try RawClient(port: setup.port)
        client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(client.receiveAll().hasPrefix("HTTP/1.1 200 "))
        let events = try await setup.events(11)
        #expect(events.map(\.status).sorted() == [200] + [Int](repeating: 499, count: 10))
        try await setup.stop()
    }

    @Test(
        "in HTTP mode answers a body that is too large or malformed, and there is an event of it",
        arguments: ["DemoCGIApp", "DemoRouterApp"],
        [("Content-Length: 99999999\r\n\r\n", 413), ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400)])
    func refusedBody(program: String, refused: (body: String, status: Int)) async throws {
        let setup = try await DemoSetup(program: program)
        let client = try RawClient(port: setup.port)
        client.send("POST /form/ HTTP/1.1\r\nHost: h\r\n\(refused.body)")
        #expect(client.receiveAll().hasPrefix("HTTP/1.1 \(refused.status) "))
        let events = try await setup.events(1)
        #expect(events.first?.status == refused.status)
        #expect(events.first?.viewName == "form")
        try await setup.stop()
    }

    @Test("reports what it finds, and ends with 0 or 78")
    func check() async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0", "--quiet"])
        let port = try await handler.port(after: "listens on")
        let folder = try TemporaryFolder("spool")
        let settings = [
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "s3cr3t", "RA_BACKEND_ENDPOINT": "http://127.0.0.1:\(port)",
            "RA_SPOOL_DIRECTORY": folder.path + "/spool",
        ]
        let good = try RunningProgram("DemoCGIApp", ["--check"], environment: settings)
        #expect(try await good.end() == 0, "\(good.output)")
        #expect(good.output.contains("ok      backend") && good.output.contains("ok      spool"))
        #expect(!good.output.contains("s3cr3t"))
        let closed = try ReservedPort()
        let bad = try RunningProgram(
            "DemoCGIApp", ["--check"],
            environment: settings.merging(["RA_BACKEND_ENDPOINT": "http://127.0.0.1:\(closed.number)"]) { $1 })
        #expect(try await bad.end() == 78)
        #expect(bad.output.contains("FAILED  backend   http://127.0.0.1:\(closed.number)"), "\(bad.output)")
        let wrong = try RunningProgram("DemoCGIApp", ["--check"], environment: ["RA_PROJECT_ID": "p"])
        #expect(try await wrong.end() == 78)
        #expect(wrong.output.contains("FAILED  settings  RA_PROJECT_TOKEN"))
        try await handler.stop()
    }
}

@Suite("The FastCGI demo on a host", .serialized)
struct FastCGIHostTests {
    /// Starts a FastCGI program and reads its port from its log.
    private func start(
        _ arguments: [String] = [], shell: String? = nil, environment: [String: String] = [:]
    ) async throws -> (RunningProgram, UInt16) {
        let path = try RunningProgram.path(of: "DemoCGIApp")
        let all = ["--fastcgi", "127.0.0.1:0"] + arguments
        let run =
            if let shell {
                try RunningProgram(
                    "/bin/sh", ["-c", "\(shell); exec \"$0\" \"$@\"", path] + all, environment: environment)
            } else {
                try RunningProgram(path, all, environment: environment)
            }
        var port: UInt16?
        try await eventually("the port on standard error") {
            port = run.errors.split(separator: "\n").first { $0.contains("listening on port ") }
                .flatMap { UInt16($0.split(separator: " ").last ?? "") }
            return port != nil
        }
        return (run, port ?? 0)
    }

    private func ask(_ port: UInt16, _ target: String = "/", keeps: Bool = false) throws -> String? {
        let peer = try FastCGIPeer(port: port)
        peer.send(FastCGIPeer.request(1, target, keepsConnection: keeps))
        return peer.answers(1)
    }

    @Test("serves whoever asks while more idle connections than it may have open files wait")
    func manyIdle() async throws {
        let (run, port) = try await start(shell: "ulimit -n 128")
        var idle: [RawClient] = []
        for count in 0..<400 {
            idle.append(try RawClient(port: port))
            if count % 100 == 99 { #expect(try ask(port)?.hasPrefix("Status: 200") == true, "after \(count)") }
        }
        for _ in 0..<20 { #expect(try ask(port)?.hasPrefix("Status: 200") == true) }
        #expect(run.descriptors <= 128)
        idle.removeAll()
        #expect(try await run.stop() == 0)
        #expect(run.errors.contains("at most 64 connections at a time, because the limit on open files is 128"))
    }

    @Test("ends after so many requests, and loses none")
    func maximumRequests() async throws {
        let (run, port) = try await start(["--max-requests", "5"])
        for _ in 0..<5 { #expect(try ask(port)?.hasPrefix("Status: 200") == true) }
        #expect(try await run.end() == 0)
    }

    @Test("ends when it takes more memory than it may")
    func maximumMemory() async throws {
        let (run, port) = try await start(["--max-memory", "1"])
        // It may have ended already, as it exceeds the limit from the start.
        _ = try? ask(port)
        #expect(try await run.end() == 0)
        #expect(run.errors.contains("more than its limit"))
    }

    @Test("logs its status on SIGUSR2 and keeps running")
    func status() async throws {
        let (run, port) = try await start(
            environment: [
                "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": "http://127.0.0.1:9",
            ])
        #expect(try ask(port) != nil)
        // The response arrives a moment before the request counts as done.
        try await eventually("the line") {
            run.signal(SIGUSR2)
            return run.errors.contains("tracker-cgi: 1 requests, 0 in progress")
        }
        #expect(run.errors.contains("tracker: captured 1"))
        #expect(run.errors.contains(" connections, ") && run.errors.contains(" threads, "))
        #expect(try ask(port) != nil)
        try await run.stop()
    }

    @Test(
        "finishes what it has and closes its listener at once, whatever signal ends it",
        arguments: [
            SIGTERM, SIGINT, SIGHUP, SIGUSR1,
        ])
    func drain(signal: Int32) async throws {
        let (run, port) = try await start()
        let slow = try FastCGIPeer(port: port)
        slow.send(FastCGIPeer.request(1, "/async-sleep?ms=700", keepsConnection: false))
        let kept = try FastCGIPeer(port: port)
        kept.send(FastCGIPeer.request(1, "/"))
        #expect(kept.answers(1) != nil)
        run.signal(signal)
        // A request in flight on a kept connection is still answered ...
        kept.send(FastCGIPeer.request(2, "/"))
        // ... unless the first answer, which the client sees before the server does, was already the last.
        let answer = kept.answers(1)
        #expect(answer == nil || answer?.hasPrefix("Status: 200") == true)
        try await eventually("the end of its listener") { (try? RawClient(port: port)) == nil }
        // Meanwhile a successor can bind the address.
        let successor = try RunningProgram("DemoCGIApp", ["--fastcgi", "127.0.0.1:\(port)"])
        try await eventually("the successor") { (try? RawClient(port: port)) != nil }
        #expect(slow.answers(1)?.hasSuffix("slept 700 ms\n") == true)
        #expect(try await run.end() == 0)
        try await successor.stop()
    }

    @Test("removes its socket's file, but not that of its successor")
    func socketFile() async throws {
        let folder = try TemporaryFolder("socket")
        let path = folder.path + "/app.sock"
        let first = try RunningProgram("DemoCGIApp", ["--fastcgi", "unix:\(path)"])
        try await eventually("the socket") { FileManager.default.fileExists(atPath: path) }
        try FileManager.default.removeItem(atPath: path)
        let second = try RunningProgram("DemoCGIApp", ["--fastcgi", "unix:\(path)"])
        try await eventually("the second socket") { FileManager.default.fileExists(atPath: path) }
        #expect(try await first.stop() == 0)
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(try await second.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    /// Starts the demo as systemd starts a socket-activated service: descriptors from 3 on, `LISTEN_FDS`, `LISTEN_PID`.
    private func activated(_ listener: FileHandle, _ environment: [String: String] = [:]) throws -> RunningProgram {
        try RunningProgram(
            "/bin/sh",
            [
                "-c", "exec 3<&0 4<&0 </dev/null; LISTEN_FDS=2 LISTEN_PID=$$ exec \"$0\"",
                RunningProgram.path(of: "DemoCGIApp"),
            ], environment: environment, input: listener)
    }

    @Test("says to a service manager when it is ready, and when it stops")
    func notifies() async throws {
        let folder = try TemporaryFolder("notify")
        let path = folder.path + "/notify"
        let manager = try DatagramSocket(path: path)
        let listener = try TCPListenerHandle()
        let run = try activated(listener.handle, ["NOTIFY_SOCKET": path])
        try await eventually("READY=1") { manager.receive() == "READY=1" }
        #expect(try ask(listener.port) != nil)
        #expect(try await run.stop() == 0)
        #expect(manager.receive() == "STOPPING=1")
    }

    @Test("loses no request over five restarts under load, where the process manager holds the socket")
    func restarts() async throws {
        let listener = try TCPListenerHandle()
        var run = try activated(listener.handle)
        let port = listener.port
        let counts = Mutex((answered: 0, failed: 0))
        let isOver = Atomic(false)
        let threads = (0..<4).map { number in
            Thread {
                var kept: FastCGIPeer?
                while !isOver.load(ordering: .relaxed) {
                    let isKept = number % 2 == 0
                    // A web server reconnects when a kept connection was closed.
                    for attempt in 0..<2 {
                        let peer: FastCGIPeer? =
                            isKept && attempt == 0
                            ? kept ?? (try? FastCGIPeer(port: port)) : try? FastCGIPeer(port: port)
                        peer?.send(FastCGIPeer.request(1, "/", keepsConnection: isKept))
                        let isAnswered = peer?.answers(1)?.hasPrefix("Status: 200") == true
                        let wasKept = kept != nil && attempt == 0
                        kept = isKept && isAnswered ? peer : nil
                        if isAnswered {
                            counts.withLock { $0.answered += 1 }
                            break
                        }
                        if !wasKept {
                            counts.withLock { $0.failed += 1 }
                            break
                        }
                    }
                    usleep(8000)
                }
            }
        }
        for thread in threads { thread.start() }
        for _ in 0..<5 {
            let before = counts.withLock { $0.answered }
            try await eventually("requests") { counts.withLock { $0.answered } > before + 100 }
            #expect(try await run.stop() == 0)
            run = try activated(listener.handle)
        }
        let before = counts.withLock { $0.answered }
        try await eventually("requests") { counts.withLock { $0.answered } > before + 100 }
        isOver.store(true, ordering: .relaxed)
        try await eventually("the end of the load") { threads.allSatisfy(\.isFinished) }
        #expect(counts.withLock { $0.failed } == 0)
        try await run.stop()
    }
}

/// A listening TCP socket, as a process manager opens it.
private final class TCPListenerHandle {
    let handle: FileHandle
    let port: UInt16

    init() throws {
        let opened = try TestListener.open()
        handle = FileHandle(fileDescriptor: opened.descriptor, closeOnDealloc: true)
        port = opened.port
    }
}

/// The socket on which a service manager receives a program's messages.
private final class DatagramSocket {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else { throw NeverHappened(description: "bind(\(path)): \(errno)") }
    }

    deinit { close(descriptor) }

    func receive() -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
