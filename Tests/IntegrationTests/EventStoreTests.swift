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
        Array(try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").dropFirst())
    }

    /// The header line of a store.
    private static func mark(keep: Int = 10_000) -> String {
        "{\"format\":\"rigidanalytics-events\",\"version\":1,\"keep\":\(keep)}\n"
    }

    /// Waits for the store, which is written a moment after events are received.
    private func stored(_ count: Int, in file: String) async throws {
        try await eventually("\(count) events in the store") { try lines(file).count == count }
    }

    @Test("are there after the process was killed, each with its project")
    func survivesKill() async throws {
        try await withFile { file in
            let first = try await HandlerClient("--store", file)
            try await first.post(
                [HandlerClient.event(path: "/1"), HandlerClient.event(path: "/2")], project: "a%20b%22")
            try await first.post([HandlerClient.event(path: "/3")], project: "other")
            try await stored(3, in: file)
            #expect(try !String(contentsOfFile: file, encoding: .utf8).contains("\"project_token\":\"t\""))
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

    @Test("do not suffer from a standard output that is closed")
    func closedOutput() async throws {
        try await withFile { file in
            let command = try RunningProgram.path(of: "EventHandler")
            let handler = try await HandlerClient(
                RunningProgram("/bin/sh", ["-c", "exec '\(command)' --port 0 --store '\(file)' >&-"]))
            try await handler.post([HandlerClient.event(path: "/1")])
            #expect(try await handler.program.stop() == 0)
            let stored = try String(contentsOfFile: file, encoding: .utf8)
            #expect(stored.hasPrefix(Self.mark()))
            #expect(try lines(file).count == 1)
        }
    }

    @Test("are not affected by a torn last line, or by lines that are not events")
    func tornLine() async throws {
        try await withFile { file in
            let first = try await HandlerClient("--store", file)
            try await first.post([HandlerClient.event(path: "/1"), HandlerClient.event(path: "/2")])
            try await first.program.stop()
            let whole = try lines(file)
            try (Self.mark() + whole[0] + "\nnonsense\n{\"project\":\"p\",\"event\":{}}\n" + whole[1].prefix(80))
                .write(toFile: file, atomically: false, encoding: .utf8)
            let second = try await HandlerClient("--store", file)
            #expect(second.program.errors.contains("skipped 2 lines of \(file) that are not events"))
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
                let last = "http://h/\(number)\""
                try await eventually("the event in the store") { try lines(file).last?.contains(last) == true }
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
            // A file size limit simulates a full disk: about ten events fit.
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
            #expect(first.program.errors.contains("could not") == false)
            let second = try await HandlerClient("--store", file)
            let kept = try await second.events().map(\.url)
            #expect(!second.program.errors.contains("not events"))
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
                second.errors == "EventHandler can't keep events in \(file): another event handler is using it\n"
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
        #expect(refusal.hasPrefix("HTTP/1.1 401 ") && refusal.contains("project_token: not this project's token"))
        // A request is accepted or refused as a whole.
        #expect(
            try await handler.post([HandlerClient.event(token: "right"), HandlerClient.event(token: "wrong")])
                .hasPrefix("HTTP/1.1 401 "))
        #expect(try await handler.events().isEmpty)
        #expect(try await handler.post([HandlerClient.event(token: "right")]).hasPrefix("HTTP/1.1 200 "))
        #expect(try await handler.events().count == 1)
        try await handler.program.stop()
    }

    @Test("accept only this machine by default, and only pages of their own origin")
    func loopback() async throws {
        let handler = try await HandlerClient()
        // All of 127/8 is this machine: this address would answer if the handler listened on every address.
        #expect(throws: (any Error).self) { try RawClient(port: handler.port, host: "127.0.0.2") }
        try await handler.program.stop()
        let everywhere = try await HandlerClient("--host", "0.0.0.0")
        try await eventually("the warning") {
            everywhere.program.errors.contains("Anyone who can reach 0.0.0.0 can read the events: there is no login")
        }
        _ = try RawClient(port: everywhere.port, host: "127.0.0.2")
        try await everywhere.program.stop()
    }

    @Test("go only into a file of their own: another file is left as it is, with advice")
    func marked() async throws {
        try await withFile { file in
            let store = try await HandlerClient("--store", file)
            try await store.post([HandlerClient.event(path: "/1"), HandlerClient.event(path: "/2")])
            try await store.program.stop()
            let good = try String(contentsOfFile: file, encoding: .utf8)
            #expect(good.hasPrefix(Self.mark()))
            let old = good.split(separator: "\n").dropFirst().joined(separator: "\n") + "\n"
            for (text, advice) in [
                ("my notes, and no line end", "it is not an event store, and was left unchanged; choose another file"),
                ("{\"format\":\"other\"}\n\n", "it is not an event store"), ("\n", "it is not an event store"),
                (old, "it is an event store without the header line; --force adds it"),
            ] {
                try text.write(toFile: file, atomically: false, encoding: .utf8)
                let refused = try RunningProgram("EventHandler", ["--port", "0", "--store", file])
                #expect(try await refused.end() == 74)
                #expect(refused.errors.contains(advice), "\(refused.errors)")
                #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
            }
            let forced = try await HandlerClient("--store", file, "--force")
            #expect(try await forced.events().map(\.url) == ["http://h/1", "http://h/2"])
            try await forced.program.stop()
            #expect(try String(contentsOfFile: file, encoding: .utf8) == good)
        }
    }

    @Test("are not deleted by a smaller --keep without --force")
    func shrinking() async throws {
        try await withFile { file in
            let first = try await HandlerClient("--store", file)
            try await first.post((0..<30).map { try HandlerClient.event(path: "/\($0)") })
            try await first.program.stop()
            let before = try String(contentsOfFile: file, encoding: .utf8)
            let refused = try RunningProgram("EventHandler", ["--port", "0", "--store", file, "--keep", "10"])
            #expect(try await refused.end() == 74)
            #expect(
                refused.errors.contains("it has 30 events, and --keep 10 would delete 20 of them; --keep 30 keeps all"))
            #expect(try String(contentsOfFile: file, encoding: .utf8) == before)
            let kept = try await HandlerClient("--store", file, "--keep", "30")
            #expect(try await kept.events().count == 30)
            try await kept.program.stop()
            let forced = try await HandlerClient("--store", file, "--keep", "10", "--force")
            #expect(try await forced.events().map(\.url) == (20..<30).map { "http://h/\($0)" })
            try await forced.program.stop()
            #expect(try lines(file).count == 10)
        }
    }

    @Test("are made anew when the file was removed, and never go into another's in its place")
    func removed() async throws {
        try await withFile { file in
            let handler = try await HandlerClient("--store", file)
            try await handler.post([HandlerClient.event(path: "/1")])
            try await stored(1, in: file)
            try FileManager.default.removeItem(atPath: file)
            try await eventually("the message") { handler.program.errors.contains("\(file) was removed") }
            try await eventually("the file") { FileManager.default.fileExists(atPath: file) }
            try await handler.post([HandlerClient.event(path: "/2")])
            try await stored(2, in: file)
            try FileManager.default.removeItem(atPath: file)
            try "another's\n".write(toFile: file, atomically: true, encoding: .utf8)
            try await eventually("the trouble") {
                handler.program.errors.contains("\(file) was replaced by another file; events are kept in memory only")
                    || handler.program.errors.components(separatedBy: "was removed").count > 2
            }
            #expect(try await handler.post([HandlerClient.event(path: "/3")]).hasPrefix("HTTP/1.1 200 "))
            #expect(try await handler.events().count == 3)
            #expect(try await handler.program.stop() == 0)
        }
    }

    @Test("are kept in a folder of one's own among the temporary files, if no file is named")
    func temporary() async throws {
        let folder = try TemporaryFolder()
        let port = try ReservedPort()
        func start(_ arguments: String...) async throws -> HandlerClient {
            try await HandlerClient(
                RunningProgram(
                    "EventHandler", ["--port", String(port.number), "--quiet"] + arguments,
                    environment: ["TMPDIR": folder.path]))
        }
        let own = folder.path + "/rigidanalytics-\(getuid())"
        let first = try await start()
        let file = own + "/EventHandler-\(port.number).ndjson"
        #expect(first.program.errors.contains("Events are kept in \(file)"))
        try await first.post([HandlerClient.event(path: "/1")])
        try await first.program.stop()
        #expect(try FileManager.default.attributesOfItem(atPath: own)[.posixPermissions] as? Int == 0o700)
        let without = try await start("--no-store")
        #expect(try await without.events().isEmpty)
        try await without.program.stop()
        let second = try await start()
        #expect(try await second.events().map(\.url) == ["http://h/1"])
        try await second.program.stop()
        // A folder that others can write to is not safe.
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: own)
        let third = try await start()
        #expect(third.program.errors.contains("the folder belongs to another user, or others can write to it"))
        #expect(try await third.events().isEmpty)
        try await third.program.stop()
    }
}
