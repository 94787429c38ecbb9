import Foundation
import Testing
import TrackerCore

@testable import TrackerCGI

private typealias Client = FastCGIClient

@BlockingTests
@Suite("A FastCGI server")
struct FastCGIProtocolTests {
    @Test("answers with Status first, one empty STDOUT record and one END_REQUEST")
    func hello() throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(Client.request(7))
        let reply = try client.reply(7)
        #expect(reply.stdout.hasPrefix("Status: 200 OK\r\n"))
        #expect(reply.stdout.hasSuffix("\r\n\r\nHello"))
        #expect(reply.streamEnds == 1)
        #expect(reply.protocolStatus == 0)
        #expect(reply.stderr.isEmpty)
    }

    @Test("keeps the connection if asked to, and closes it otherwise")
    func keepConnection() throws {
        let running = try RunningApp()
        let kept = try running.connect()
        for _ in 0..<3 {
            try kept.send(Client.request(1))
            #expect(try kept.reply().protocolStatus == 0)
        }
        let closed = try running.connect()
        try closed.send(Client.request(1, keep: false))
        #expect(try closed.reply().stdout.hasSuffix("Hello"))
        #expect(try closed.isClosedByServer())
    }

    @Test("understands requests that arrive byte by byte", arguments: [UInt8(0), 3, 255])
    func byteByByte(padding: UInt8) throws {
        let running = try RunningApp()
        let client = try running.connect()
        let body = Array("some body".utf8)
        for byte in Client.request(1, "/echo", method: "POST", body: body, size: 1, padding: padding) {
            try client.send([byte])
        }
        #expect(try client.reply().stdout.hasSuffix("some body"))
    }

    @Test("reads names and values of any length")
    func lengths() throws {
        let long = String(repeating: "v", count: 100_000)
        let name = "HTTP_" + String(repeating: "N", count: 300)
        let running = try RunningApp { app in
            app.get("/value") { request in
                CGIResponse(text: "\(request.variables[name]?.count ?? -1) \(request.variables["EMPTY"] ?? "nil")")
            }
        }
        let client = try running.connect()
        try client.send(Client.request(1, "/value", extra: [(name, long), ("EMPTY", ""), ("", "nameless")]))
        #expect(try client.reply().stdout.hasSuffix("100000 "))
    }

    @Test("answers requests that share a connection, each with its own id")
    func multiplexed() throws {
        let running = try RunningApp()
        let client = try running.connect()
        let ids = Array(UInt16(1)...40)
        var records: [UInt8] = []
        for id in ids { records += Client.begin(id) }
        for id in ids {
            records += Client.stream(
                4, id,
                Client.pairs([
                    ("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/echo"), ("CONTENT_LENGTH", "\(id)".count.description),
                ]))
        }
        for id in ids.reversed() { records += Client.stream(5, id, Array("\(id)".utf8), size: 1) }
        try client.send(records)
        let replies = try client.replies(ids)
        for id in ids { #expect(replies[id]?.stdout.hasSuffix("\r\n\r\n\(id)") == true) }
    }

    @Test("splits answers above 64 KiB", arguments: [65_528, 65_536, 1_000_000, 5_000_000])
    func bigAnswers(count: Int) throws {
        let running = try RunningApp { app in
            app.get("/big") { _ in CGIResponse(bytes: [UInt8](repeating: 0x78, count: count)) }
        }
        let client = try running.connect()
        try client.send(Client.request(1, "/big"))
        let reply = try client.reply()
        let body = try #require(reply.stdout.range(of: "\r\n\r\n")).upperBound
        #expect(reply.stdout[body...].utf8.count == count)
        #expect(reply.stdout[body...].utf8.allSatisfy { $0 == 0x78 })
        #expect(reply.stdout.contains("Content-Length: \(count)\r\n"))
    }

    @Test("streams a body back while it is still arriving", arguments: ["/stream", "/async-stream"])
    func streaming(path: String) throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(
            Client.begin(1) + Client.stream(4, 1, Client.pairs([("REQUEST_METHOD", "POST"), ("REQUEST_URI", path)])))
        for piece in ["one", "two", "three"] {
            try client.send(Client.record(5, 1, Array(piece.utf8)))
            var received = ""
            while !received.hasSuffix(piece) {
                let record = try #require(try client.readRecord())
                #expect(record.type == 6)
                received += String(decoding: record.content, as: UTF8.self)
            }
        }
        try client.send(Client.record(5, 1))
        #expect(try client.reply().protocolStatus == 0)
    }

    @Test("runs asynchronous handlers")
    func asynchronous() throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(Client.request(1, "/async"))
        #expect(try client.reply().stdout.hasSuffix("async"))
    }

    @Test("answers GET_VALUES with what it knows")
    func getValues() throws {
        let running = try RunningApp()
        let client = try running.connect()
        let asked = ["FCGI_MAX_CONNS", "FCGI_MPXS_CONNS", "SOMETHING_ELSE", "FCGI_MAX_REQS"]
        try client.send(Client.record(9, 0, Client.pairs(asked.map { ($0, "") }), padding: 5))
        let record = try #require(try client.readRecord())
        #expect(record.type == 10 && record.id == 0)
        let values = try #require(FastCGINameValues.decode(record.content))
        #expect(values.map(\.name) == ["FCGI_MAX_CONNS", "FCGI_MPXS_CONNS", "FCGI_MAX_REQS"])
        #expect(values["FCGI_MPXS_CONNS"] == "1")
    }

    @Test("answers management records that it does not know")
    func unknownType() throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(Client.record(77, 0, [1, 2, 3]) + Client.request())
        #expect(try client.readRecord() == Client.Record(type: 11, id: 0, content: [77, 0, 0, 0, 0, 0, 0, 0]))
        #expect(try client.reply().stdout.hasSuffix("Hello"))
    }

    @Test("declines roles other than the responder's, and stays usable", arguments: [UInt8(2), 3, 9])
    func unknownRole(role: UInt8) throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(Client.begin(1, role: role))
        #expect(try client.reply().protocolStatus == 3)
        try client.send(Client.request(1))
        #expect(try client.reply().stdout.hasSuffix("Hello"))
    }

    @Test("ignores records of ids that it does not know")
    func unknownIDs() throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(
            Client.record(5, 99, [1, 2]) + Client.record(4, 98) + Client.record(2, 97) + Client.record(5, 0, [1])
                + Client.record(50, 5) + Client.request(1))
        #expect(try client.reply().stdout.hasSuffix("Hello"))
    }

    @Test("ends an aborted request once, and sends nothing after that")
    func abort() throws {
        let hasStarted = ThreadLock(false)
        let mayEnd = ThreadLock(false)
        let running = try RunningApp { app in
            app.get("/slow") { request in
                hasStarted.withLock { $0 = true }
                _ = eventually { mayEnd.withLock { $0 } }
                return CGIResponse(text: "late, \(request.isCancelled)")
            }
        }
        let finished = ThreadLock(0)
        running.app.responseSent.connect { request, _ in
            if request.isCancelled { finished.withLock { $0 += 1 } }
        }
        let client = try running.connect()
        try client.send(Client.request(1, "/slow"))
        #expect(eventually { hasStarted.withLock { $0 } })
        try client.send(Client.record(2, 1))
        let record = try #require(try client.readRecord())
        #expect(record.type == 3)
        mayEnd.withLock { $0 = true }
        #expect(eventually { finished.withLock { $0 } == 1 })
        // The ID is free again; anything left of the first request would show up here.
        try client.send(Client.request(1))
        #expect(try client.reply().stdout.hasSuffix("Hello"))
    }

    @Test("turns a thrown error into a 500 and a line on STDERR, and keeps running")
    func thrown() throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(Client.request(1, "/fail"))
        let reply = try client.reply()
        #expect(reply.stdout.hasPrefix("Status: 500 Internal Server Error\r\n"))
        #expect(reply.stderr.contains("broken on purpose"))
        #expect(!reply.stdout.contains("broken on purpose"))
        #expect(reply.applicationStatus == [0, 0, 0, 0])
        try client.send(Client.request(1))
        #expect(try client.reply().stdout.hasSuffix("Hello"))
    }

    @Test("answers before it has read a body that is too long, and the answer arrives")
    func earlyAnswer() throws {
        let running = try RunningApp { $0.config.maximumBodyBytes = 1000 }
        let client = try running.connect()
        let body = [UInt8](repeating: 1, count: 900_000)
        try client.send(Client.request(1, "/echo", method: "POST", body: body, keep: false))
        #expect(try client.reply().stdout.hasPrefix("Status: 413"))
        client.finishSending()
        #expect(try client.isClosedByServer())
    }

    @Test("answers a web server that has sent its last byte")
    func halfClosed() throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(Client.request())
        client.finishSending()
        #expect(try client.reply().stdout.hasSuffix("Hello"))
        #expect(try client.isClosedByServer())
    }

    @Test("answers everybody while some handlers sleep")
    func blockedHandlers() throws {
        let mayEnd = ThreadLock(false)
        let running = try RunningApp { app in
            app.get("/block") { _ in
                _ = eventually { mayEnd.withLock { $0 } }
                return CGIResponse(text: "done")
            }
        }
        let clients = try (0..<20).map { _ in try running.connect() }
        for client in clients { try client.send(Client.request(1, "/block")) }
        #expect(try running.isHealthy())
        mayEnd.withLock { $0 = true }
        for client in clients { #expect(try client.reply().stdout.hasSuffix("done")) }
    }

    @Test("fires responseSent after END_REQUEST, once for each request")
    func signals() throws {
        let calls = ThreadLock<[String]>([])
        let running = try RunningApp()
        running.app.requestStarted.connect { request in calls.withLock { $0.append("started \(request.path)") } }
        running.app.requestFinished.connect { request, response, error in
            response.cookies.append(CGICookie(name: "seen", value: "1"))
            calls.withLock { $0.append("finished \(response.status) \(error == nil ? "" : "error")") }
        }
        running.app.responseSent.connect { request, response in
            calls.withLock { $0.append("sent \(response.status)") }
        }
        let client = try running.connect()
        for path in ["/", "/nope", "/fail"] {
            try client.send(Client.request(1, path))
            #expect(try client.reply().stdout.contains("Set-Cookie: seen=1; Path=/; HttpOnly; SameSite=Lax\r\n"))
            #expect(eventually { calls.withLock { $0.last?.hasPrefix("sent") ?? false } })
        }
        #expect(
            calls.withLock { $0 } == [
                "started /", "finished 200 ", "sent 200", "started /nope", "finished 404 ", "sent 404", "started /fail",
                "finished 500 error", "sent 500",
            ])
    }
}
