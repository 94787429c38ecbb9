import Foundation
import Testing
import TrackerCore

@testable import TrackerCGI

private typealias Client = FastCGIClient

@BlockingTests
@Suite("A FastCGI server survives")
struct FastCGIHostileTests {
    @Test("another version: it closes", arguments: [UInt8(0), 2, 255])
    func wrongVersion(version: UInt8) throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(Client.record(1, 1, [0, 1, 1, 0, 0, 0, 0, 0], version: version))
        #expect(try client.isClosedByServer())
        #expect(try running.isHealthy())
        #expect(running.log.withLock { $0.contains { $0.contains("version \(version)") } })
    }

    @Test(
        "lengths that lie: the answer is a 400",
        arguments: [
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [5, 5, 0x41], [0x80], [0x41], [0xFF, 0, 0],
            [3, 0x80, 0, 0, 9, 0x41, 0x42, 0x43],
        ] as [[UInt8]])
    func lyingLengths(params: [UInt8]) throws {
        let running = try RunningApp()
        let client = try running.connect()
        try client.send(Client.begin(1) + Client.stream(4, 1, params) + Client.record(5, 1))
        #expect(try client.reply().stdout.hasPrefix("Status: 400"))
        try client.send(Client.request(1))
        #expect(try client.reply().stdout.hasSuffix("Hello"))
    }

    @Test("answers 16 MiB of variables with a 431, and keeps the connection")
    func hugeParams() throws {
        let running = try RunningApp()
        let client = try running.connect()
        let params = Client.pairs([("HTTP_X", String(repeating: "x", count: 16 << 20))])
        try client.send(Client.begin(1) + Client.stream(4, 1, params) + Client.record(5, 1))
        #expect(try client.reply().stdout.hasPrefix("Status: 431"))
        try client.send(Client.request(1))
        #expect(try client.reply().stdout.hasSuffix("Hello"))
    }

    @Test("a disconnect at every byte of a request")
    func disconnects() throws {
        let running = try RunningApp()
        let request = Client.request(1, "/echo", method: "POST", body: Array("body".utf8), padding: 2)
        for count in 0...request.count {
            let client = try running.connect()
            try client.send(Array(request.prefix(count)))
        }
        #expect(try running.isHealthy())
        #expect(eventually { running.server.admission.requestsInWork == 0 })
        #expect(eventually { running.server.openConnections == 0 })
    }

    @Test("a disconnect while its threads still read what came before it")
    func disconnectsWhileReading() throws {
        let running = try RunningApp()
        let head = Client.request(1, "/echo", method: "POST", body: [UInt8](repeating: 1, count: 4 << 20))
        let port = running.port
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for round in 0..<20 {
                guard let client = try? Client(port: port) else { continue }
                try? client.send(Array(head.prefix(200_000 + 60_000 * ((thread + round) % 16))))
            }
        }
        // Long before the timeout for a body that never comes.
        #expect(eventually(within: 10_000) { running.server.admission.requestsInWork == 0 })
        #expect(eventually(within: 10_000) { running.server.openConnections == 0 })
    }

    @Test("garbage of any kind")
    func garbage() throws {
        let running = try RunningApp()
        var random = SystemRandomNumberGenerator()
        for round in 0..<300 {
            let client = try running.connect()
            var bytes = (0..<Int.random(in: 1...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if round % 2 == 0 {
                // Valid records with a byte or two changed get further than noise.
                bytes = Client.request(1, "/echo", method: "POST", body: Array("body".utf8), padding: 3)
                for _ in 0..<2 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
                }
            }
            try? client.send(bytes)
        }
        #expect(try running.isHealthy())
        #expect(eventually { running.server.admission.requestsInWork == 0 })
        #expect(eventually { running.server.openConnections == 0 })
    }

    @Test("200 connections that send half a request")
    func halfSent() throws {
        let running = try RunningApp()
        let clients = try (0..<200).map { _ in try running.connect() }
        for client in clients { try client.send(Array(Client.request().dropLast(9))) }
        #expect(try running.isHealthy())
        for client in clients { try client.send(Array(Client.request().suffix(9))) }
        for client in clients { #expect(try client.reply().stdout.hasSuffix("Hello")) }
    }

    @Test("more requests than it takes: the answer is a 503, not silence")
    func overload() throws {
        let mayEnd = ThreadLock(false)
        let running = try RunningApp { app in
            app.config.fastCGI.maximumRequests = 2
            app.get("/block") { _ in
                _ = eventually { mayEnd.withLock { $0 } }
                return CGIResponse(text: "done")
            }
        }
        let client = try running.connect()
        try client.send(Client.request(1, "/block") + Client.request(2, "/block") + Client.request(3))
        let refused = try client.reply(3)
        #expect(refused.stdout.hasPrefix("Status: 503"))
        #expect(refused.protocolStatus == 2)
        #expect(running.log.withLock { $0.contains { $0.contains("503") } })
        mayEnd.withLock { $0 = true }
        let replies = try client.replies([1, 2])
        #expect(replies.values.allSatisfy { $0.stdout.hasSuffix("done") })
    }

    @Test("handlers that wait for each other: it finds a thread for every one of them")
    func stuckHandlers() throws {
        let present = ThreadLock(0)
        let running = try RunningApp { app in
            app.get("/meet", name: "meet") { _ in
                present.withLock { $0 += 1 }
                return CGIResponse(text: eventually { present.withLock { $0 == 20 } } ? "met" : "alone")
            }
        }
        let client = try running.connect()
        let ids = Array(UInt16(1)...10)
        try client.send(ids.flatMap { Client.request($0, "/meet") })
        let others = try (0..<10).map { _ in try running.connect() }
        for other in others { try other.send(Client.request(1, "/meet")) }
        #expect(try client.replies(ids).values.allSatisfy { $0.stdout.hasSuffix("met") })
        for other in others { #expect(try other.reply().stdout.hasSuffix("met")) }
    }

    @Test("more connections than it takes: idle ones make room")
    func connections() throws {
        let running = try RunningApp { $0.config.fastCGI.maximumConnections = 3 }
        var clients: [FastCGIClient] = []
        for _ in 0..<8 {
            let client = try running.connect()
            try client.send(Client.request())
            #expect(try client.reply().stdout.hasSuffix("Hello"))
            clients.append(client)
        }
        #expect(running.server.openConnections <= 3)
    }

    @Test("a sender that stalls", arguments: [0, 1])
    func stalls(inBody: Int) throws {
        let running = try RunningApp { app in
            app.config.fastCGI.headerTimeout = .milliseconds(50)
            app.config.fastCGI.bodyTimeout = .milliseconds(50)
        }
        let client = try running.connect()
        let request = Client.request(1, "/echo", method: "POST", body: Array("body".utf8))
        try client.send(inBody == 1 ? Array(request.dropLast(10)) : Client.begin(1))
        #expect(eventually { running.server.admission.requestsInWork == 1 })
        #expect(
            eventually {
                running.server.sweep()
                return running.server.admission.requestsInWork == 0
            })
        #expect(try client.reply().stdout.hasPrefix("Status: 408"))
        #expect(try running.isHealthy())
    }

    @Test("an error page with line breaks in a header, for a body that failed")
    func badErrorPage() throws {
        let running = try RunningApp { app in
            app.onStatus(500) { _ in
                var page = CGIResponse(text: "custom", status: 500)
                page.setHeader("X-Page", "a\r\nX-Injected: b")
                return page
            }
            app.get("/bad-stream") { _ in
                CGIResponse { (_: CGIBodyWriter) throws in throw FastCGIClient.Failure(text: "broken on purpose") }
            }
        }
        let client = try running.connect()
        try client.send(Client.request(1, "/bad-stream"))
        let reply = try client.reply()
        #expect(reply.stdout.hasPrefix("Status: 500 "))
        #expect(!reply.stdout.contains("X-Injected"), "\(reply.stdout)")
    }

    @Test("a disconnect while a handler waits for its body", arguments: ["/stream", "/async-stream"])
    func disconnectWhileReading(path: String) throws {
        let running = try RunningApp()
        for _ in 0..<20 {
            let client = try running.connect()
            try client.send(
                Client.begin(1)
                    + Client.stream(4, 1, Client.pairs([("REQUEST_METHOD", "POST"), ("REQUEST_URI", path)]))
                    + Client.record(5, 1, [1, 2, 3]))
        }
        #expect(try running.isHealthy())
        #expect(eventually { running.server.admission.requestsInWork == 0 })
        #expect(eventually { running.server.openConnections == 0 })
    }

    @Test("a body that is shorter, or longer, than announced", arguments: [("9", "400"), ("2", "200"), ("x", "400")])
    func bodyLengths(announced: String, status: String) throws {
        let running = try RunningApp()
        let client = try running.connect()
        let params = Client.pairs(
            [("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/echo"), ("CONTENT_LENGTH", announced)])
        try client.send(Client.begin(1) + Client.stream(4, 1, params) + Client.stream(5, 1, Array("body".utf8)))
        let reply = try client.reply()
        #expect(reply.stdout.hasPrefix("Status: \(status)"))
        if status == "200" { #expect(reply.stdout.hasSuffix("\r\n\r\nbo")) }
    }
}
