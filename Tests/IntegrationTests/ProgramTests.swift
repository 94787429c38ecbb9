import Foundation
import TestSupport
import Testing

@Suite("The programs")
struct ProgramTests {
    @Test("explain themselves", arguments: ["EventHandler", "DemoRouterApp", "DemoCGIApp"])
    func help(program: String) async throws {
        let help = try RunningProgram(program, ["--help"])
        #expect(try await help.end() == 0)
        try await eventually { help.output.contains("--port N") && help.output.contains("Usage: \(program)") }
        let version = try RunningProgram(program, ["--version"])
        #expect(try await version.end() == 0)
        try await eventually { version.output.hasPrefix("\(program) 1.") }
    }

    @Test(
        "refuse wrong arguments with one line and status 64",
        arguments: [
            ("EventHandler", ["--prot", "1"]), ("EventHandler", ["--port", "70000"]), ("EventHandler", ["--port"]),
            ("EventHandler", ["--fail-rate=2"]), ("EventHandler", ["8001"]), ("EventHandler", ["--quiet=1"]),
            ("EventHandler", ["--status", "99"]), ("DemoRouterApp", ["--port", "x"]), ("DemoRouterApp", ["-p", "1"]),
            ("DemoCGIApp", ["--fastcgi"]), ("DemoCGIApp", ["unix:/x"]),
        ])
    func wrongArguments(program: String, arguments: [String]) async throws {
        let run = try RunningProgram(program, arguments)
        #expect(try await run.end() == 64)
        try await eventually { run.errors.hasSuffix("see \(program) --help\n") }
        #expect(run.errors.split(separator: "\n").count == 1)
    }

    @Test(
        "report an unavailable address, and exit with status 74",
        arguments: ["EventHandler", "DemoRouterApp", "DemoCGIApp"])
    func addressInUse(program: String) async throws {
        let other = try ScriptedBackend()
        let run = try RunningProgram(program, ["--port", String(other.port)])
        #expect(try await run.end() == 74)
        try await eventually {
            run.errors.contains("can't listen on 127.0.0.1:\(other.port): bind: Address already in use")
        }
        other.stop()
    }

    @Test(
        "say where they can't listen for FastCGI, with status 74, or 64 for what is no address",
        arguments: [
            ("unix:/nowhere/x.sock", "bind(/nowhere/x.sock): No such file or directory", 74),
            ("here", "can't listen on \"here\": use unix:/path/to/socket or host:port", 64),
        ])
    func badPlace(place: String, message: String, status: Int32) async throws {
        let run = try RunningProgram(
            "DemoCGIApp", ["--fastcgi", place], environment: ["RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t"])
        #expect(try await run.end() == status)
        try await eventually { run.errors.contains(message) }
    }

    @Test("an idle FastCGI server ends at SIGTERM, and removes its socket")
    func idleFastCGI() async throws {
        let path = "/tmp/ra-\(UUID().uuidString.prefix(8)).sock"
        let run = try RunningProgram("DemoCGIApp", ["--fastcgi", "unix:\(path)"])
        try await eventually("the socket") { FileManager.default.fileExists(atPath: path) }
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o660)
        #expect(try await run.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("a FastCGI server stopped during its start removes its socket", arguments: 0..<10)
    func stoppedAtStart(round: Int) async throws {
        let path = "/tmp/ra-\(UUID().uuidString.prefix(8)).sock"
        let run = try RunningProgram("DemoCGIApp", ["--fastcgi", "unix:\(path)"])
        // Polls without a pause: the moment in question lasts only microseconds.
        let deadline = ContinuousClock.now + .seconds(30)
        while access(path, F_OK) != 0, ContinuousClock.now < deadline { sched_yield() }
        #expect(try await run.stop() == 0)
        #expect(access(path, F_OK) != 0)
    }

    @Test("say which setting is wrong, with status 78")
    func wrongSetting() async throws {
        let run = try RunningProgram("DemoRouterApp", ["--port", "0"], environment: ["RA_PROJECT_ID": "p"])
        #expect(try await run.end() == 78)
        try await eventually {
            run.errors == "RA_PROJECT_TOKEN is required but not set; set it in the environment or in code.\n"
        }
    }

    @Test("read settings from a file, below those of the environment")
    func environmentFile() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "tracker-\(UUID().uuidString).env")
        defer { try? FileManager.default.removeItem(at: file) }
        try """
        # settings
        RA_PROJECT_ID=from-file
        export RA_PROJECT_TOKEN="tok"
        RA_BACKEND_ENDPOINT='http://127.0.0.1:9'
        """.write(to: file, atomically: true, encoding: .utf8)
        let run = try RunningProgram(
            "DemoRouterApp", ["--port", "0", "--env-file", file.path],
            environment: ["RA_PROJECT_ID": "from-environment"])
        _ = try await run.port(after: "Open http")
        #expect(run.errors.contains("Analytics: http://127.0.0.1:9/from-environment"))
        #expect(try await run.stop() == 0)
        let missing = try RunningProgram("DemoRouterApp", ["--env-file", "/nowhere/.env"])
        #expect(try await missing.end() == 66)
    }

    @Test(
        "refuse a file of settings that would be misread, and say what to do",
        arguments: [
            ("RA_SAMPLE_RATE=0.5 # half", "line 1: unexpected text after the value of RA_SAMPLE_RATE"),
            ("RA_PROJECT_ID=\"p\" # mine", "line 1: unexpected text after the value of RA_PROJECT_ID"),
            ("#\nRA_PROJECT_ID=\"p", "line 2: unexpected text after the value of RA_PROJECT_ID"),
            ("RA_PROJECT_ID", "line 1: not NAME=value"), (nil, "is a directory: give the path of a file"),
        ])
    func misreadFile(text: String?, message: String) async throws {
        let folder = try TemporaryFolder()
        var path = folder.path
        if let text {
            path += "/settings.env"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let run = try RunningProgram("DemoRouterApp", ["--port", "0", "--env-file", path])
        #expect(try await run.end() == 66)
        #expect(run.errors.contains(message))
    }

    @Test("refuse a spool directory that can't be used, and say what to do", arguments: ["DemoRouterApp"])
    func unusableSpool(program: String) async throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/file"
        try "".write(toFile: file, atomically: true, encoding: .utf8)
        let settings = [
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": "http://127.0.0.1:9",
            "RA_SPOOL_DIRECTORY": file,
        ]
        let run = try RunningProgram(program, ["--port", "0"], environment: settings)
        #expect(try await run.end() == 78)
        #expect(run.errors.contains("RA_SPOOL_DIRECTORY is \"\(file)\", which can't be used. The spool directory"))
        #expect(run.errors.contains("give the path of the directory itself"))
    }

    @Test("take a # within a value, and one between quotes")
    func hashInValue() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/settings.env"
        try "RA_PROJECT_ID=a#b\nRA_PROJECT_TOKEN='x # y'\nRA_BACKEND_ENDPOINT=http://127.0.0.1:9\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        let run = try RunningProgram("DemoRouterApp", ["--port", "0", "--env-file", path])
        _ = try await run.port(after: "Open http")
        #expect(run.errors.contains("Analytics: http://127.0.0.1:9/a%23b"))
        #expect(try await run.stop() == 0)
    }

    @Test("take a file of settings whose lines end as on Windows")
    func windowsLineEnds() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/settings.env"
        try "# mine\r\nRA_PROJECT_ID=p\r\n\r\nRA_PROJECT_TOKEN='t'\r\nRA_BACKEND_ENDPOINT=http://127.0.0.1:9\r\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        let run = try RunningProgram("DemoRouterApp", ["--port", "0", "--env-file", path])
        _ = try await run.port(after: "Open http")
        #expect(run.errors.contains("Analytics: http://127.0.0.1:9/p"))
        #expect(try await run.stop() == 0)
    }

    @Test("wait for settings that another program writes into a pipe")
    func settingsFromPipe() async throws {
        let folder = try TemporaryFolder()
        let fifo = folder.path + "/settings"
        #expect(mkfifo(fifo, 0o600) == 0)
        let command = try RunningProgram.path(of: "DemoRouterApp")
        let settings = "RA_PROJECT_ID=p\\nRA_PROJECT_TOKEN=t\\nRA_BACKEND_ENDPOINT=http://127.0.0.1:9\\n"
        // What `--env-file <(command)` is in other shells.
        let run = try RunningProgram(
            "/bin/sh",
            [
                "-c",
                "{ sleep 0.2; printf '\(settings)'; } > '\(fifo)' & "
                    + "exec '\(command)' --port 0 --env-file /dev/fd/3 3< '\(fifo)'",
            ])
        _ = try await run.port(after: "Open http")
        #expect(run.errors.contains("Analytics: http://127.0.0.1:9/p"))
        #expect(try await run.stop() == 0)
    }

    @Test(
        "work together without any setting: the demo prints each event", arguments: ["DemoRouterApp", "DemoCGIApp"],
        [SIGINT, SIGTERM])
    func embeddedHandler(program: String, signal: Int32) async throws {
        let demo = try RunningProgram(program, ["--port", "0"])
        let client = try RawClient(port: try await demo.port(after: "Open http"))
        client.send("GET /hello/you/?token=s3cr3t HTTP/1.1\r\nHost: h\r\nAuthorization: Basic s3cr3t\r\n\r\n")
        #expect(client.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
        try await eventually("the printed event") { demo.lines.count == 1 }
        let event = try #require(PrintedEvent(demo.lines[0]))
        #expect(event.viewName == "hello")
        #expect(!demo.output.contains("s3cr3t"))
        demo.signal(signal)
        #expect(try await demo.end() == 0)
        try await eventually {
            demo.errors.contains("tracker: captured 1, delivered 1, retried 0, dropped 0, pending 0")
        }
    }

    @Test("show their events in a live page of their own", arguments: ["DemoRouterApp", "DemoCGIApp"])
    func livePage(program: String) async throws {
        let demo = try RunningProgram(program, ["--port", "0"])
        let site = try RawClient(port: try await demo.port(after: "Open http"))
        let live = try RawClient(port: try await demo.port(after: "Watch them live"))
        site.send("GET /hello/you/ HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(site.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
        live.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(live.receiveAnswer().contains("<title>Live events"))
        live.send("GET /_live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(live.receive(until: "\"view_name\":\"hello\"").contains("data: \"demo\"\n"))
        #expect(try await demo.stop() == 0)
    }

    @Test("link to their live page, which is on a fixed port or the next", arguments: ["DemoRouterApp", "DemoCGIApp"])
    func livePort(program: String) async throws {
        func home(_ demo: RunningProgram) async throws -> String {
            let site = try RawClient(port: try await demo.port(after: "Open http"))
            site.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            return site.receiveAll()
        }
        let live = try ReservedPort()
        let told = try RunningProgram(program, ["--port", "0", "--live-port", String(live.number), "--no-store"])
        #expect(try await home(told).contains("<a href=\"http://127.0.0.1:\(live.number)/\">Watch the events live</a>"))
        #expect(try await told.stop() == 0)
        let site = try ReservedPort()
        let usual = try RunningProgram(program, ["--port", String(site.number), "--no-store"])
        let port = try await usual.port(after: "Watch them live")
        #expect((8001..<8021).contains(port))
        #expect(try await home(usual).contains("http://127.0.0.1:\(port)/"))
        let next = try RunningProgram(program, ["--port", String(try ReservedPort().number), "--no-store"])
        // Not always a higher port: a lower one may have been released.
        let other = try await next.port(after: "Watch them live")
        #expect(other != port && (8001..<8021).contains(other))
        // Before it serves, a signal ends it like any program.
        _ = try await home(next)
        #expect(try await next.stop() == 0)
        #expect(try await usual.stop() == 0)
    }

    @Test("finish requests in progress when they are stopped")
    func gracefulStop() async throws {
        let setup = try await DemoSetup()
        let slow = try RawClient(port: setup.port)
        slow.send("GET /stream/ HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = slow.receive(until: "chunk 1")
        let idle = try RawClient(port: setup.port)
        idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = idle.receiveAnswer()
        setup.demo.signal(SIGTERM)
        #expect(idle.receiveAll().isEmpty)
        #expect(slow.receiveAll().contains("chunk 3"))
        #expect(try await setup.demo.end() == 0)
        #expect(setup.demo.errors.contains("captured 2, delivered 2"))
        try await setup.handler.stop()
    }
}

@Suite("The event handler")
struct EventHandlerTests {
    static let event = """
        {"project_token": "t", "event_type": "page_view", "ra_tracker_version": "v1", "event_data": {"view_name": null,
        "header_data": {"HTTP_HOST": "h"}, "full_url": "http://h/", "ra_session_id": "00112233445566778899aabbccddeeff",
        "time_request_received_ns": 1, "processing_time_ns": 0, "response_data": {"status_code": 200, "cookies": {}}}}
        """

    private func post(_ body: String, to port: UInt16, key: String? = nil, project: String = "p") throws -> String {
        let client = try RawClient(port: port)
        let keyLine = key.map { "Idempotency-Key: \($0)\r\n" } ?? ""
        client.send(
            "POST /\(project) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                + "\(keyLine)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        return client.receiveAll()
    }

    private func get(_ path: String, from port: UInt16) throws -> String {
        let client = try RawClient(port: port)
        client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.receiveAll()
    }

    @Test("takes events, prints them, keeps the latest, and counts")
    func takes() async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let port = try await handler.port(after: "listens on")
        #expect(try get("/p", from: port).hasPrefix("HTTP/1.1 404 "))
        #expect(try post(Self.event, to: port, key: "k1").hasPrefix("HTTP/1.1 200 "))
        #expect(try post(Self.event, to: port, key: "k1").hasPrefix("HTTP/1.1 200 "))
        #expect(try post("{}", to: port, key: "k2").contains("project_token: not a string"))
        #expect(try post("nonsense", to: port).hasPrefix("HTTP/1.1 400 "))
        try await eventually("the event's line") { handler.lines.count == 1 }
        #expect(handler.lines[0] == Self.event.replacingOccurrences(of: "\n", with: ""))
        let latest = try get("/p", from: port)
        #expect(latest.contains("\"event_type\": \"page_view\"") && latest.contains("\"project_token\": \"[set]\""))
        let statistics = try get("/_stats", from: port)
        #expect(statistics.contains("\"received\": 4, \"accepted\": 1, \"rejected\": 2, \"duplicates\": 1"))
        #expect(try await handler.stop() == 0)
    }

    @Test("takes a key for a duplicate only within its project")
    func keysOfProjects() async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let port = try await handler.port(after: "listens on")
        for project in ["a", "b", "a"] {
            #expect(try post(Self.event, to: port, key: "k", project: project).hasPrefix("HTTP/1.1 200 "))
        }
        #expect(try get("/_stats", from: port).contains("\"accepted\": 2, \"rejected\": 0, \"duplicates\": 1"))
        #expect(try await handler.stop() == 0)
    }

    @Test("bounds what it remembers of a request: the project, and the key")
    func longNames() async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let port = try await handler.port(after: "listens on")
        for (project, key, expected) in [(200, 255, 200), (201, 1, 400), (1, 256, 400)] {
            let answer = try post(
                Self.event, to: port, key: String(repeating: "k", count: key),
                project: String(repeating: "p", count: project))
            #expect(answer.hasPrefix("HTTP/1.1 \(expected) "), "\(project) \(key)")
        }
        #expect(try get("/_stats", from: port).contains("\"accepted\": 1, \"rejected\": 2"))
        #expect(try await handler.stop() == 0)
    }

    @Test("gives a reason of bounded length, whatever the event has as a name")
    func longReason() async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let port = try await handler.port(after: "listens on")
        // One Character.
        let name = "e" + String(repeating: "\u{301}", count: 10_000)
        let answer = try post("{\"\(name)\": 1}", to: port)
        #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.utf8.count < 1000)
        #expect(try await handler.stop() == 0)
    }

    @Test("plays faults on request")
    func faults() async throws {
        let handler = try RunningProgram("EventHandler", ["--port=0", "--status=503", "--retry-after=7", "--quiet"])
        let port = try await handler.port(after: "listens on")
        let answer = try post(Self.event, to: port)
        #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("\r\nRetry-After: 7\r\n"))
        try await handler.stop()
        let flaky = try RunningProgram("EventHandler", ["--port=0", "--fail-rate", "0.5", "--delay-ms", "1"])
        let flakyPort = try await flaky.port(after: "listens on")
        let answers = try (0..<60).map { _ in try post(Self.event, to: flakyPort).prefix(12) }
        #expect(Set(answers) == ["HTTP/1.1 200", "HTTP/1.1 503"])
        try await flaky.stop()
    }
}
