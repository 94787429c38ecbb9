import Foundation
import TestSupport
import Testing

@Suite("Receiving comes first")
struct ReceivingTests {
    /// A program whose standard output is not read until the test does so.
    private final class Unread {
        let program: RunningProgram

        init(_ name: String, _ arguments: String...) throws {

            let command = try RunningProgram.path(of: name)
            let fifo = try TemporaryFolder()
            path = fifo.path + "/output"
            guard mkfifo(path, 0o600) == 0 else { throw NeverHappened(description: "no fifo") }
            folder = fifo
            // Opened for reading and writing, so that neither side waits for the other.
            reader = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
            program = try RunningProgram(
                "/bin/sh", ["-c", "exec '\(command)' \(arguments.joined(separator: " ")) > '\(path)'"])
        }

        private let folder: TemporaryFolder
        private let path: String
        private let reader: Int32

        /// Reads what is in the pipe.
        func read() -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            let count = buffer.withUnsafeMutableBytes { Foundation.read(reader, $0.baseAddress, $0.count) }
            return Array(buffer.prefix(max(0, count)))
        }

        deinit { close(reader) }
    }

    @Test("whether or not its output is read, and all of it is printed once it is")
    func unread() async throws {
        let unread = try Unread("EventHandler", "--port", "0")
        let handler = try await HandlerClient(unread.program)
        for batch in 0..<20 {
            let events = try (0..<50).map {
                try HandlerClient.event(path: "/\(batch)/\($0)", agent: String(repeating: "x", count: 500))
            }
            #expect(try await handler.post(events).hasPrefix("HTTP/1.1 200 "))
        }
        #expect(try await handler.get("/_stats").contains("\"accepted\": 1000"))
        var text: [UInt8] = []
        try await eventually("all lines") {
            text += unread.read()
            return text.count { $0 == 0x0A } == 1000
        }
        #expect(try await handler.program.stop() == 0)
    }

    @Test("and what nobody reads for long is skipped, and told")
    func skipped() async throws {
        let unread = try Unread("EventHandler", "--port", "0", "--keep", "10")
        let handler = try await HandlerClient(unread.program)
        let large = try (0..<100).map {
            try HandlerClient.event(path: "/\($0)", agent: String(repeating: "x", count: 100_000))
        }
        for _ in 0..<5 { #expect(try await handler.post(large).hasPrefix("HTTP/1.1 200 ")) }
        let statistics = try await handler.get("/_stats")
        #expect(statistics.contains("\"accepted\": 500") && !statistics.contains("\"not_printed\": 0"))
        try await eventually(within: .seconds(240), "the message") {
            _ = unread.read()
            return handler.program.errors.contains("events: the reader of standard output is too slow")
        }
        #expect(try await handler.program.stop() == 0)
    }

    @Test("in a demo, too: none of its events is lost behind a reader that doesn't read")
    func demo() async throws {
        let unread = try Unread("DemoRouterApp", "--port", "0")
        let site = try RawClient(port: try await unread.program.port(after: "Open http"))
        let live = try await HandlerClient(unread.program, after: "Watch them live")
        let padding = String(repeating: "x", count: 2000)
        for number in 0..<240 {
            site.send("GET /hello/n\(number)/ HTTP/1.1\r\nHost: h\r\nX-Padding: \(padding)\r\n\r\n")
            #expect(site.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
        }
        try await eventually("240 events") { try await live.get("/_stats").contains("\"accepted\": 240") }
        site.close()
        #expect(try await unread.program.stop() == 0)
        #expect(unread.program.errors.contains("captured 240, delivered 240, retried 0, dropped 0"))
    }

    @Test("and a client that resets its connection while it waits for an answer costs no processor time")
    func resetWhileWaiting() async throws {
        let handler = try await HandlerClient("--delay-ms", "2000")
        let event = try HandlerClient.event()
        let client = try RawClient(port: handler.port)
        client.send(
            "POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(event.utf8.count)\r\n\r\n\(event)")
        try await eventually("both connections") {
            try await handler.get("/_stats").contains("\"open_connections\": 2")
        }
        client.reset()
        let before = handler.program.processorTicks
        // This one is answered after the other.
        #expect(try await handler.post([event]).hasPrefix("HTTP/1.1 200 "))
        #expect(handler.program.processorTicks - before < 50)
        #expect(try await handler.program.stop() == 0)
    }

    @Test("with a store, viewers and batches at once: none is lost")
    func everything() async throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/events"
        let program = try RunningProgram("EventHandler", ["--port", "0", "--store", file, "--keep", "30000"])
        let handler = try await HandlerClient(program)
        // One viewer reads nothing.
        let viewer = try RawClient(port: handler.port)
        viewer.send("GET /_live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for batch in 0..<40 {
            let events = try (0..<500).map { try HandlerClient.event(path: "/\(batch * 500 + $0)") }
            #expect(try await handler.post(events).hasPrefix("HTTP/1.1 200 "))
        }
        try await eventually("20,000 lines") { program.output.utf8.count { $0 == 0x0A } == 20_000 }
        viewer.close()
        #expect(try await program.stop() == 0)
        let stored = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").dropFirst()
        #expect(stored.count == 20_000)
        let inOrder = zip(stored, 0...).allSatisfy { line, number in
            line.contains("\"full_url\":\"http://h/\(number)\"")
        }
        #expect(inOrder)
    }
}
