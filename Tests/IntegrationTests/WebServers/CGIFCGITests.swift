import Foundation
import TestSupport
import Testing

@Suite("cgi-fcgi", .serialized, .enabled(if: WebServerSetup.areWanted, "\(WebServerSetup.reason)"))
struct CGIFCGITests {
    private let directory = URL(fileURLWithPath: "/tmp/ra-cgi-\(UUID().uuidString.prefix(8))")

    /// Sends one request through `cgi-fcgi -bind`, and returns the response as a web server would read it.
    private func ask(_ socket: String, _ target: String) async throws -> String {
        let tool = try #require(Tool.find("cgi-fcgi"))
        let run = try RunningProgram(
            tool, ["-bind", "-connect", socket],
            environment: [
                "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "REQUEST_URI": target, "SERVER_NAME": "s.test",
                "SERVER_PORT": "80", "HTTPS": "on", "HTTP_HOST": "s.test:4443", "HTTP_PROXY": "http://127.0.0.1:1",
            ])
        _ = try await run.end()
        try await eventually("the answer") { run.output.hasSuffix("!\n") }
        return run.output
    }

    @Test("talks with an app that is running, and one that it starts itself", arguments: [false, true])
    func events(startsApp: Bool) async throws {
        let handler = try RunningProgram("EventHandler", ["--port", "0"])
        let environment = [
            "RA_PROJECT_ID": "proj-1", "RA_PROJECT_TOKEN": "tok-1",
            "RA_BACKEND_ENDPOINT": "http://127.0.0.1:\(try await handler.port(after: "listens on"))",
        ]
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let socket = directory.path + "/demo.sock"
        let program = directory.path + "/DemoCGIApp"
        try FileManager.default.copyItem(atPath: RunningProgram.path(of: "DemoCGIApp"), toPath: program)
        var demo: RunningProgram?
        var starter: RunningProgram?
        if startsApp {
            let tool = try #require(Tool.find("cgi-fcgi"))
            // It exits at once, and leaves the app running.
            starter = try RunningProgram(tool, ["-start", "-connect", socket, program], environment: environment)
        } else {
            demo = try RunningProgram(program, ["--fastcgi", "unix:\(socket)"], environment: environment)
        }
        try await eventually("the socket") { FileManager.default.fileExists(atPath: socket) }
        for number in 1...3 {
            let answer = try await ask(socket, "/hello/n\(number)/?a=%2F")
            // The app's descriptors 1 and 2 are closed: its output must not end up in a response.
            #expect(answer.hasPrefix("Status: 200 OK\r\n") && answer.hasSuffix("\r\n\r\nHello, n\(number)!\n"))
        }
        try await eventually("three events") { handler.lines.count == 3 }
        let events = handler.lines.compactMap(PrintedEvent.init)
        #expect(events.map(\.url).sorted() == (1...3).map { "https://s.test:4443/hello/n\($0)/?a=%2F" })
        #expect(events.allSatisfy { $0.viewName == "hello" && $0.status == 200 })
        if let demo {
            #expect(try await demo.stop() == 0)
        } else {
            for process in Self.processes(of: program) { kill(process, SIGTERM) }
            #expect(try await starter?.end() == 0)
            try await eventually("the end of the app") { Self.processes(of: program).isEmpty }
        }
        try await handler.stop()
        try FileManager.default.removeItem(at: directory)
    }

    /// The IDs of the processes that run a program (Linux).
    private static func processes(of program: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { identifier in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(identifier)/exe")) == program
        }
    }
}
