import Foundation
import TestSupport
import Testing

@Suite("Events that the event handler keeps")
struct EventStoreTests {
    private func withFile(_ test: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "events-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await test(folder.appending(path: "events.ndjson").path)
    }

    private func lines(_ file: String) throws -> [Substring] {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    }

    @Test("are there after the process was killed, each with its project")
    func survivesKill() async throws {
        try await withFile { file in
            let first = try await HandlerClient("--store", file)
            try await first.post(
                [HandlerClient.event(path: "/1"), HandlerClient.event(path: "/2")], project: "a%20b%22")
            try await first.post([HandlerClient.event(path: "/3")], project: "other")
            first.program.signal(SIGKILL)
            _ = try await first.program.end()
            let second = try await HandlerClient("--store", file)
            #expect(try await second.events(project: "a%20b%22").map(\.url) == ["http://h/1", "http://h/2"])
            #expect(try await second.events(project: "other").map(\.url) == ["http://h/3"])
            try await second.post([HandlerClient.event(path: "/4")], project: "other")
            #expect(try await second.events(project: "other").map(\.url) == ["http://h/3", "http://h/4"])
            #expect(try await second.program.stop() == 0)
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test("do not suffer from a torn last line, nor from lines that are no events")
    func tornLine() async throws {
        try await withFile { file in
            let first = try await HandlerClient("--store", file)
            try await first.post([HandlerClient.event(path: "/1"), HandlerClient.event(path: "/2")])
            try await first.program.stop()
            let whole = try lines(file)
            try (whole[0] + "\nnonsense\n{\"project\":\"p\",\"event\":{}}\n" + whole[1].prefix(80))
                .write(toFile: file, atomically: false, encoding: .utf8)
            let second = try await HandlerClient("--store", file)
            #expect(second.program.errors.contains("left out 2 lines of \(file) that are no events"))
            try await second.post([HandlerClient.event(path: "/3")])
            #expect(try await second.events().map(\.url) == ["http://h/1", "http://h/3"])
            try await second.program.stop()
            let third = try await HandlerClient("--store", file)
            #expect(try await third.events().map(\.url) == ["http://h/1", "http://h/3"])
            try await third.program.stop()
        }
    }

    @Test("are as many as wanted: the file is made anew before it has more than twice as many")
    func bounded() async throws {
        try await withFile { file in
            let first = try await HandlerClient("--store", file, "--keep", "5")
            for number in 1...38 {
                try await first.post([HandlerClient.event(path: "/\(number)")])
                #expect(try lines(file).count <= 10)
            }
            let last = (34...38).map { "http://h/\($0)" }
            #expect(try await first.events().map(\.url) == last)
            try await first.program.stop()
            let second = try await HandlerClient("--store", file, "--keep=5")
            #expect(try await second.events().map(\.url) == last)
            try await second.program.stop()
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: (file as NSString).deletingLastPathComponent).count
                    == 1)
        }
    }

    @Test("are taken and shown even if the disk takes no more, and the file stays whole")
    func diskFull() async throws {
        try await withFile { file in
            let handler = try RunningProgram.path(of: "EventHandler")
            // A limit on the size of files stands for a full disk: about ten events fit.
            let script = "trap '' XFSZ; ulimit -f 8; exec '\(handler)' --port 0 --quiet --store '\(file)'"
            let first = try await HandlerClient(RunningProgram("/bin/sh", ["-c", script]))
            for number in 0..<30 {
                #expect(try await first.post([HandlerClient.event(path: "/\(number)")]).hasPrefix("HTTP/1.1 200 "))
            }
            #expect(try await first.events().count == 30)
            let refusal = "can't write to \(file): pwrite: File too large"
            try await eventually("the message") { first.program.errors.contains(refusal) }
            #expect(try await first.program.stop() == 0)
            #expect(first.program.errors.components(separatedBy: refusal).count == 2)
            let second = try await HandlerClient("--store", file)
            let kept = try await second.events().map(\.url)
            #expect(!second.program.errors.contains("no events"))
            #expect(kept.count > 5 && kept.count < 30)
            #expect(kept == (0..<kept.count).map { "http://h/\($0)" })
            try await second.program.stop()
        }
    }

    @Test("belong to one event handler at a time")
    func inUse() async throws {
        try await withFile { file in
            let first = try await HandlerClient("--store", file)
            let second = try RunningProgram("EventHandler", ["--port", "0", "--store", file])
            #expect(try await second.end() == 74)
            try await eventually {
                second.errors == "EventHandler can't keep events in \(file): another event handler uses it\n"
            }
            try await first.program.stop()
            let folder = try RunningProgram("EventHandler", ["--port", "0", "--store", "/nowhere/events"])
            #expect(try await folder.end() == 74)
            try await eventually { folder.errors.contains("open: No such file or directory") }
        }
    }

    @Test("can be asked for: the last ones, or those after a time")
    func query() async throws {
        let handler = try await HandlerClient()
        try await handler.post((1...200).map { try HandlerClient.event(path: "/\($0)", time: 1000 + $0) })
        try await handler.post([HandlerClient.event(path: "/x")], project: "q")
        #expect(try await handler.events().map(\.url) == (101...200).map { "http://h/\($0)" })
        #expect(try await handler.events("?limit=2").map(\.url) == ["http://h/199", "http://h/200"])
        #expect(try await handler.events("?since=1010&limit=2").map(\.url) == ["http://h/11", "http://h/12"])
        #expect(try await handler.events("?since=1200").isEmpty)
        #expect(try await handler.events(project: "unknown").isEmpty)
        for query in ["limit=0", "limit=x", "limit=10001", "since=-1", "since=now", "until=1"] {
            #expect(try await handler.get("/p/events?\(query)").hasPrefix("HTTP/1.1 400 "), "\(query)")
        }
        try await handler.program.stop()
    }

    @Test("have the project's token, if one is asked for: others get 401")
    func token() async throws {
        let handler = try await HandlerClient("--project-token", "right")
        let refusal = try await handler.post([HandlerClient.event(token: "wrong")])
        #expect(refusal.hasPrefix("HTTP/1.1 401 ") && refusal.contains("project_token: not the one of this project"))
        // All of a request or nothing of it.
        #expect(
            try await handler.post([HandlerClient.event(token: "right"), HandlerClient.event(token: "wrong")])
                .hasPrefix("HTTP/1.1 401 "))
        #expect(try await handler.events().isEmpty)
        #expect(try await handler.post([HandlerClient.event(token: "right")]).hasPrefix("HTTP/1.1 200 "))
        #expect(try await handler.events().count == 1)
        try await handler.program.stop()
    }

    @Test("are for this machine alone unless told otherwise, and for pages of its own")
    func loopback() async throws {
        let handler = try await HandlerClient()
        // All of 127/8 is this machine, so this address would do if the handler listened on all of them.
        #expect(throws: (any Error).self) { try RawClient(port: handler.port, host: "127.0.0.2") }
        for host in ["localhost:\(handler.port)", "127.0.0.1", "[::1]:80", "app.localhost"] {
            #expect(try await handler.get("/p/events", host: host).hasPrefix("HTTP/1.1 200 "))
        }
        for host in ["attacker.example", "127.0.0.1.attacker.example", "attacker.example:80", "localhost.example"] {
            #expect(try await handler.get("/p/events", host: host).hasPrefix("HTTP/1.1 403 "))
            #expect(try await handler.get("/_live", host: host).hasPrefix("HTTP/1.1 403 "))
        }
        try await handler.program.stop()
        let everywhere = try await HandlerClient("--host", "0.0.0.0")
        #expect(everywhere.program.errors.contains("Whoever can reach 0.0.0.0 can read the events: there is no login"))
        _ = try RawClient(port: everywhere.port, host: "127.0.0.2")
        #expect(try await everywhere.get("/p/events", host: "devbox.example").hasPrefix("HTTP/1.1 200 "))
        try await everywhere.program.stop()
    }
}
