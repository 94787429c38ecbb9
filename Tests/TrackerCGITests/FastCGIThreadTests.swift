import Foundation
import Testing
import TrackerCore

@testable import TrackerCGI

private typealias Client = FastCGIClient

@BlockingTests
@Suite("A FastCGI server's threads")
struct FastCGIThreadTests {
    /// An app whose route /block blocks until it is released.
    private final class Blocked {
        let running: RunningApp
        let mayEnd = ThreadLock(false)
        let inside = ThreadLock(0)
        private var clients: [FastCGIClient] = []

        init(threads: Int, waiting: Int = 256, _ configure: (CGIApp) -> Void = { _ in }) throws {
            let (mayEnd, inside) = (mayEnd, inside)
            running = try RunningApp { app in
                app.config.fastCGI.maximumThreads = threads
                app.config.fastCGI.maximumWaitingRequests = waiting
                app.get("/block") { _ in
                    inside.withLock { $0 += 1 }
                    _ = eventually { mayEnd.withLock { $0 } }
                    return CGIResponse(text: "done")
                }
                configure(app)
            }
        }

        func block(_ count: Int) throws {
            for _ in 0..<count {
                let client = try running.connect()
                try client.send(Client.request(1, "/block"))
                clients.append(client)
            }
        }

        func release() throws -> Int {
            mayEnd.withLock { $0 = true }
            return try clients.count { try $0.reply().stdout.hasSuffix("done") }
        }
    }

    @Test("tell the main thread of the first connection after an idle time, so that its limits are kept")
    func firstConnection() throws {
        let running = try RunningApp()
        func isTold() -> Bool { running.server.control.readEnd.wait(toWrite: false, milliseconds: 0) }
        #expect(!running.server.sweep())
        let clients = try [running.connect()]
        #expect(eventually { isTold() })
        _ = running.server.control.drain()
        #expect(running.server.sweep())
        // From now on the main thread looks by itself.
        let others = try (0..<3).map { _ in try running.connect() }
        #expect(eventually { running.server.openConnections == 4 })
        #expect(!isTold())
        withExtendedLifetime((clients, others)) {}
    }

    @Test("take connections and run asynchronous handlers while all that may block are blocked")
    func asyncGoesOn() throws {
        let blocked = try Blocked(threads: 4)
        try blocked.block(9)
        #expect(eventually { blocked.inside.withLock { $0 == 4 } && blocked.running.server.pool.load.waiting == 5 })
        for _ in 0..<20 {
            let client = try blocked.running.connect()
            try client.send(Client.request(1, "/async"))
            #expect(try client.reply().stdout.hasSuffix("async"))
        }
        // Those beyond the limit wait in the queue.
        #expect(blocked.inside.withLock { $0 } == 4)
        #expect(try blocked.release() == 9)
    }

    @Test("answer 503 with Retry-After, and count it, where the line is full")
    func fullLine() throws {
        let sent = ThreadLock<[Int]>([])
        let blocked = try Blocked(threads: 2, waiting: 3) { app in
            app.responseSent.connect { _, response in sent.withLock { $0.append(response.status) } }
        }
        try blocked.block(5)
        #expect(eventually { blocked.inside.withLock { $0 == 2 } && blocked.running.server.pool.load.waiting == 3 })
        let client = try blocked.running.connect()
        try client.send(Client.request(1))
        let refused = try client.reply()
        #expect(refused.stdout.hasPrefix("Status: 503"))
        #expect(refused.stdout.contains("\r\nRetry-After: 1\r\n"))
        #expect(try blocked.release() == 5)
        #expect(eventually { sent.withLock { $0.count == 6 && $0.contains(503) } })
        try client.send(Client.request(1))
        #expect(try client.reply().stdout.hasSuffix("Hello"))
    }

    @Test("are not Swift's for a blocking handler behind an asynchronous function")
    func asyncBefore() throws {
        let inside = ThreadLock(0)
        let most = ThreadLock(0)
        let running = try RunningApp { app in
            app.beforeRequest { _ -> CGIResponse? in
                await Task.yield()
                return nil
            }
            app.get("/meet") { _ in
                let count = inside.withLock { count -> Int in
                    count += 1
                    return count
                }
                most.withLock { $0 = max($0, count) }
                // Swift's own pool has only as many threads as processors: not all would meet.
                return CGIResponse(text: eventually { inside.withLock { $0 == 16 } } ? "met" : "alone")
            }
        }
        let clients = try (0..<16).map { _ in try running.connect() }
        for client in clients { try client.send(Client.request(1, "/meet")) }
        for client in clients { #expect(try client.reply().stdout.hasSuffix("met")) }
    }

    @Test("are not held by clients that do not read", arguments: ["/big", "/async-big"])
    func clientsThatDoNotRead(path: String) throws {
        let begun = ThreadLock(0)
        let blocked = try Blocked(threads: 8) { app in
            let piece = [UInt8](repeating: 0x78, count: 65_536)
            app.get("/big") { _ in
                CGIResponse { (writer: CGIBodyWriter) throws in
                    begun.withLock { $0 += 1 }
                    for _ in 0..<1000 { try writer.write(piece) }
                }
            }
            app.get("/async-big") { _ in
                CGIResponse { (writer: CGIBodyWriter) async throws in
                    begun.withLock { $0 += 1 }
                    for _ in 0..<1000 { try await writer.write(piece) }
                }
            }
        }
        var deaf: [FastCGIClient] = []
        for _ in 0..<12 {
            let client = try blocked.running.connect()
            try client.send(Client.request(1, path))
            deaf.append(client)
        }
        #expect(eventually { begun.withLock { $0 >= 8 } })
        let client = try blocked.running.connect()
        try client.send(Client.request(1, "/async"))
        #expect(try client.reply().stdout.hasSuffix("async"))
        deaf.removeAll()
        #expect(try blocked.running.isHealthy())
        #expect(eventually { blocked.running.server.admission.requestsInWork == 0 })
    }

    @Test("get rid of a client that takes a byte now and then", arguments: ["/big", "/async-big"])
    func trickle(path: String) throws {
        let ends = ThreadLock<[Int]>([])
        let running = try RunningApp { app in
            app.config.fastCGI.sendTimeout = .milliseconds(300)
            let piece = [UInt8](repeating: 0x78, count: 65_536)
            app.get("/big") { _ in
                CGIResponse { (writer: CGIBodyWriter) throws in for _ in 0..<1000 { try writer.write(piece) } }
            }
            app.get("/async-big") { _ in
                CGIResponse { (writer: CGIBodyWriter) async throws in
                    for _ in 0..<1000 { try await writer.write(piece) }
                }
            }
            app.responseSent.connect { _, response in ends.withLock { $0.append(response.status) } }
        }
        let client = try running.connect()
        try client.send(Client.request(1, path))
        var byte: UInt8 = 0
        #expect(
            eventually {
                _ = recv(client.descriptor, &byte, 1, 0)
                running.server.sweep()
                return ends.withLock { $0 == [499] }
            })
        #expect(eventually { running.server.openConnections == 0 })
    }

    @Test("blocking handlers, clients that don't read and idle connections together don't affect other requests")
    func allAtOnce() throws {
        let blocked = try Blocked(threads: 256) { app in
            app.config.fastCGI.maximumConnections = 300
            let piece = [UInt8](repeating: 0x78, count: 65_536)
            app.get("/big") { _ in
                CGIResponse { (writer: CGIBodyWriter) throws in for _ in 0..<1000 { try writer.write(piece) } }
            }
        }
        try blocked.block(40)
        let deaf = try (0..<40).map { _ in try blocked.running.connect() }
        for client in deaf { try client.send(Client.request(1, "/big")) }
        let idle = try (0..<400).map { _ in try blocked.running.connect() }
        #expect(eventually { blocked.inside.withLock { $0 == 40 } })
        for path in ["/", "/async", "/", "/async"] {
            let client = try blocked.running.connect()
            try client.send(Client.request(1, path))
            #expect(try client.reply().stdout.hasPrefix("Status: 200"))
        }
        #expect(try blocked.release() == 40)
        withExtendedLifetime((deaf, idle)) {}
    }
}

@BlockingTests
@Suite("A FastCGI answer that breaks off")
struct FastCGIAbortTests {
    private struct Broken: Error {}

    @Test("ends the connection without END_REQUEST, and counts as 500", arguments: ["/broken", "/async-broken"])
    func brokenStream(path: String) throws {
        let ends = ThreadLock<[Int]>([])
        let running = try RunningApp { app in
            app.get("/broken") { _ in
                CGIResponse { (writer: CGIBodyWriter) throws in
                    try writer.write("half")
                    throw Broken()
                }
            }
            app.get("/async-broken") { _ in
                CGIResponse { (writer: CGIBodyWriter) async throws in
                    try await writer.write("half")
                    throw Broken()
                }
            }
            app.responseSent.connect { _, response in ends.withLock { $0.append(response.status) } }
        }
        let client = try running.connect()
        try client.send(Client.request(1, path))
        var output: [UInt8] = []
        var types: [UInt8] = []
        while let record = try client.readRecord() {
            types.append(record.type)
            if record.type == 6 { output += record.content }
        }
        #expect(String(decoding: output, as: UTF8.self).hasSuffix("half"))
        #expect(!types.contains(3))
        // No FastCGI record type: some servers take a bare end of the stream for the end of the response.
        #expect(types.last == 0)
        #expect(eventually { ends.withLock { $0 == [500] } })
        #expect(running.log.withLock { $0.contains { $0.contains("could not be written") } })
        #expect(eventually { running.server.admission.requestsInWork == 0 })
    }

    @Test("lets other requests on its connection come to their end first")
    func multiplexed() throws {
        let mayEnd = ThreadLock(false)
        let running = try RunningApp { app in
            app.get("/broken") { _ in
                CGIResponse { (writer: CGIBodyWriter) throws in
                    try writer.write("half")
                    throw Broken()
                }
            }
            app.get("/slow") { _ in
                _ = eventually { mayEnd.withLock { $0 } }
                return CGIResponse(text: "slow")
            }
        }
        let client = try running.connect()
        try client.send(Client.request(1, "/slow") + Client.request(2, "/broken"))
        #expect(eventually { running.server.admission.requestsInWork == 1 })
        mayEnd.withLock { $0 = true }
        var slow: [UInt8] = []
        var ended: [UInt16] = []
        while let record = try client.readRecord() {
            if record.type == 6, record.id == 1 { slow += record.content }
            if record.type == 3 { ended.append(record.id) }
        }
        #expect(String(decoding: slow, as: UTF8.self).hasSuffix("slow"))
        #expect(ended == [1])
    }

    @Test("because the client has gone is reported to the handler, and counts as 499")
    func vanished() throws {
        let ends = ThreadLock<[Int]>([])
        let saw = ThreadLock(false)
        let running = try RunningApp { app in
            app.get("/wait") { request in
                let isCancelled = eventually { request.isCancelled }
                saw.withLock { $0 = isCancelled }
                return CGIResponse(text: "late")
            }
            app.responseSent.connect { _, response in ends.withLock { $0.append(response.status) } }
        }
        let client = try running.connect()
        try client.send(Client.request(1, "/wait"))
        #expect(eventually { running.server.pool.load.blocking == 1 })
        try client.send(Client.record(2, 1))
        #expect(eventually { ends.withLock { $0 == [499] } })
        #expect(saw.withLock { $0 })
    }
}
