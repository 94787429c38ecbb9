import Foundation
import Synchronization
import TestSupport
import Testing

@testable import DemoServer

/// A gate at which a handler waits until a test opens it.
final class Gate: Sendable {
    let isOpen = Atomic(false)
}

/// A server with a few routes on a free port.
final class TestServer: Sendable {
    let server: HTTPServer
    let port: UInt16
    /// Whether `/wait` may answer.
    let gate = Gate()

    init(_ change: (inout HTTPServer.Configuration) -> Void = { _ in }) throws {
        let router = Router(log: { _ in })
        router.on(nil, "/", name: "home") { _ in HTTPResponse(text: "home") }
        router.on(nil, "/echo", name: "echo") { request in
            HTTPResponse(headers: [("X-Method", request.method)], body: .bytes(request.body))
        }
        router.on(nil, "/stream", name: "stream") { _ in
            HTTPResponse(
                body: .stream { writer in
                    for number in 0..<3 {
                        try await writer.write(Array("part\(number);".utf8))
                        await Task.yield()
                    }
                })
        }
        router.on(nil, "/broken", name: "broken") { _ in
            HTTPResponse(
                body: .stream { writer in
                    try await writer.write(Array("begun".utf8))
                    throw HTTPError(status: 500)
                })
        }
        router.on(nil, "/large", name: "large") { _ in
            HTTPResponse(body: .bytes([UInt8](repeating: 0x61, count: 8 << 20)))
        }
        router.on(nil, "/bad-header", name: "bad") { _ in
            HTTPResponse(headers: [("X-Evil", "a\r\nSet-Cookie: x=1")])
        }
        router.on(nil, "/nocontent", name: "nocontent") { _ in HTTPResponse(status: 204, text: "not to be sent") }
        router.on(nil, "/wait", name: "wait") { [gate] _ in
            try await eventually("the gate") { gate.isOpen.load(ordering: .relaxed) }
            return HTTPResponse(text: "waited")
        }
        var configuration = HTTPServer.Configuration()
        change(&configuration)
        server = HTTPServer(configuration: configuration) { await router.handle($0) }
        port = try server.start()
    }

    deinit { server.stop(grace: .milliseconds(100)) }

    func ask(_ request: String) throws -> String { try ask(Array(request.utf8)) }

    func ask(_ request: [UInt8]) throws -> String {
        let client = try RawClient(port: port)
        client.send(request)
        return client.receiveAll()
    }
}

@Suite("The HTTP server")
struct HTTPServerTests {
    let test: TestServer

    init() throws { test = try TestServer() }

    @Test("keeps a connection open, unless asked not to, and unless it is HTTP/1.0")
    func keepAlive() throws {
        let client = try RawClient(port: test.port)
        for _ in 0..<3 {
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer().hasSuffix("\r\n\r\nhome"))
        }
        client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n")
        #expect(client.receiveAll().contains("\r\nConnection: close\r\n"))
        #expect(try test.ask("GET / HTTP/1.0\r\n\r\n").hasSuffix("home"))
        let old = try RawClient(port: test.port)
        old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(old.receiveAnswer().contains("\r\nConnection: keep-alive\r\n"))
        old.send("GET / HTTP/1.0\r\n\r\n")
        #expect(old.receiveAll().hasSuffix("home"))
    }

    @Test("answers pipelined requests in order")
    func pipelining() throws {
        let requests = (0..<50).map { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\(10 + $0)" }
        let answers = try test.ask(requests.joined() + "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        let bodies = answers.components(separatedBy: "\r\n\r\n").dropFirst().map { $0.prefix(2) }
        #expect(bodies.dropLast() == (10..<60).map { Substring(String($0)) }[...])
    }

    @Test("reads a request that comes byte by byte")
    func byteByByte() throws {
        let client = try RawClient(port: test.port)
        for byte in Array(
            "\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n"
                .utf8)
        {
            client.send([byte])
        }
        #expect(client.receiveAnswer().hasSuffix("\r\n\r\nabc"))
    }

    @Test("takes the chunked coding off a body")
    func chunked() throws {
        let answer = try test.ask(
            "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n1\r\n!\r\n0\r\n\r\n"
        )
        #expect(answer.hasSuffix("\r\n\r\n0123456789!"))
    }

    @Test(
        "refuses what two servers could read differently",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\nHost: h\n\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nnocolon\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{1}b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{0}b\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\na", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\na", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\na", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\na", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\nab", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5 6\r\nabcde\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5 \t6;x\r\nabcde\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 413),
            ("POST / HTTP/1.1\r\nHost: h\r\nExpect: a miracle\r\n\r\n", 417),
            ("GET /é HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\n\r\n", 505), ("GET / HTTP/1\r\n\r\n", 400), ("GET /\r\n\r\n", 400),
            ("G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\r\n\r\n", 400),
        ])
    func refused(request: String, status: Int) throws {
        let answer = try test.ask(request)
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(80))")
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(try test.ask("GET / HTTP/1.0\r\n\r\n").hasSuffix("home"))
    }

    @Test("bounds the request line, the header fields and the body")
    func limits() throws {
        let long = String(repeating: "x", count: 33_000)
        #expect(try test.ask("GET /\(long)").hasPrefix("HTTP/1.1 414 "))
        #expect(try test.ask("GET / HTTP/1.1\r\nX: \(long)").hasPrefix("HTTP/1.1 431 "))
        let many = String(repeating: "X: y\r\n", count: 201)
        #expect(try test.ask("GET / HTTP/1.1\r\n\(many)\r\n").hasPrefix("HTTP/1.1 431 "))
        let fits = String(repeating: "x", count: 32_000)
        #expect(try test.ask("GET / HTTP/1.0\r\nX: \(fits)\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
        #expect(
            try test.ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 16777217\r\n\r\n").hasPrefix(
                "HTTP/1.1 413 "))
    }

    @Test("asks for a body that waits to be asked for")
    func expectContinue() throws {
        let client = try RawClient(port: test.port)
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        #expect(client.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        client.send("abc")
        #expect(client.receiveAnswer().hasSuffix("\r\n\r\nabc"))
        // A client that has sent the body already gets no 100.
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
        #expect(client.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        #expect(client.receiveAll().hasPrefix("HTTP/1.1 413 "))
    }

    @Test("sends no body after HEAD and with 204")
    func noBody() throws {
        let client = try RawClient(port: test.port)
        client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(client.receive(until: "\r\n\r\n").contains("\r\nContent-Length: 4\r\n"))
        #expect(client.receive(until: "\r\n\r\n").contains("\r\nTransfer-Encoding: chunked\r\n"))
        client.send("GET /nocontent HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        let answer = client.receiveAll()
        #expect(answer.hasPrefix("HTTP/1.1 204 ") && answer.hasSuffix("\r\n\r\n"))
        #expect(!answer.contains("Content-Length"))
    }

    @Test("streams in chunks, and until the end of the connection for HTTP/1.0")
    func streaming() throws {
        let client = try RawClient(port: test.port)
        client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(
            client.receive(until: "0\r\n\r\n").hasSuffix(
                "\r\n\r\n6\r\npart0;\r\n6\r\npart1;\r\n6\r\npart2;\r\n0\r\n\r\n"))
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(client.receiveAnswer().hasSuffix("home"))
        #expect(try test.ask("GET /stream HTTP/1.0\r\n\r\n").hasSuffix("\r\n\r\npart0;part1;part2;"))
        #expect(!(try test.ask("GET /broken HTTP/1.1\r\nHost: h\r\n\r\n")).hasSuffix("0\r\n\r\n"))
    }

    @Test("sends large answers to slow readers whole")
    func large() throws {
        let client = try RawClient(port: test.port)
        client.send("GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(client.receiveAll().utf8.filter { $0 == 0x61 }.count >= 8 << 20)
    }

    @Test("sends no last chunk after a piece that was not read in time, even if the handler ignores that")
    func ignoredTimeout() async throws {
        let (hasTimedOut, mayEnd) = (Gate(), Gate())
        let router = Router(log: { _ in })
        router.on("GET", "/", name: "stubborn") { _ in
            HTTPResponse(
                body: .stream { writer in
                    try? await writer.write([UInt8](repeating: 0x61, count: 16 << 20))
                    hasTimedOut.isOpen.store(true, ordering: .relaxed)
                    try await eventually("the gate") { mayEnd.isOpen.load(ordering: .relaxed) }
                })
        }
        var configuration = HTTPServer.Configuration()
        configuration.sendTimeout = .milliseconds(50)
        let server = HTTPServer(configuration: configuration) { await router.handle($0) }
        let port = try server.start()
        defer { server.stop(grace: .milliseconds(100)) }
        let client = try RawClient(port: port)
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        try await eventually("the time-out") { hasTimedOut.isOpen.load(ordering: .relaxed) }
        mayEnd.isOpen.store(true, ordering: .relaxed)
        // There is room again, but the connection closes.
        let answer = client.receiveAll()
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && !answer.hasSuffix("0\r\n\r\n"))
    }

    @Test("never sends a header with a line end in it")
    func headerInjection() throws {
        let answer = try test.ask("GET /bad-header HTTP/1.0\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 500 ") && !answer.contains("Evil"))
    }

    @Test("survives clients that vanish at any byte of a request")
    func vanishing() throws {
        let request = Array(
            "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".utf8)
        for length in 0...request.count {
            let client = try RawClient(port: test.port)
            client.send(request[..<length])
        }
        #expect(try test.ask("GET / HTTP/1.0\r\n\r\n").hasSuffix("home"))
    }

    @Test("holds hundreds of idle connections without a thread for each")
    func idleConnections() async throws {
        var clients: [RawClient] = []
        for _ in 0..<400 { clients.append(try RawClient(port: test.port)) }
        try await eventually("the connections") { test.server.openConnections == 400 }
        #expect(threads == HTTPServer.Configuration().loops)
        clients[399].send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(clients[399].receiveAnswer().hasSuffix("home"))
        clients.removeAll()
        try await eventually("their end") { test.server.openConnections == 0 }
    }

    /// The number of the server's threads, which have its port in their names.
    private var threads: Int { ThreadNames.all().count { $0.hasPrefix("http-\(test.port)-") } }

    @Test("ends a request that comes too slowly with 408, and an idle connection silently")
    func timeouts() throws {
        let slow = try TestServer {
            $0.headTimeout = .milliseconds(50)
            $0.idleTimeout = .milliseconds(50)
            $0.bodyTimeout = .milliseconds(50)
        }
        #expect(try slow.ask("GET / HT").hasPrefix("HTTP/1.1 408 "))
        #expect(try slow.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab").hasPrefix("HTTP/1.1 408 "))
        #expect(try slow.ask("").isEmpty)
    }

    @Test("ends a head that trickles in with 408, however often a byte comes")
    func trickle() throws {
        let slow = try TestServer { $0.headTimeout = .milliseconds(300) }
        let client = try RawClient(port: slow.port)
        Thread.detachNewThread {
            for byte in Array("GET / HTTP/1.1\r\nX: ".utf8) + [UInt8](repeating: 0x61, count: 60_000) {
                guard client.send([byte]) else { return }
                usleep(200)
            }
        }
        #expect(client.receiveAll().hasPrefix("HTTP/1.1 408 "))
    }

    @Test("lets the site answer, and count, a request whose body it refuses")
    func refusedBody() async throws {
        let seen = Mutex<[String]>([])
        let router = Router(log: { _ in })
        router.on("POST", "/echo", name: "echo") { _ in HTTPResponse(text: "never") }
        router.use { request, next in
            do {
                return try await next(request)
            } catch {
                seen.withLock { $0.append("\(request.routeName ?? "") \((error as? HTTPError)?.status ?? 0)") }
                throw error
            }
        }
        let server = HTTPServer(configuration: .init()) { await router.handle($0) }
        let port = try server.start()
        defer { server.stop(grace: .milliseconds(100)) }
        let client = try RawClient(port: port)
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 16777217\r\n\r\n")
        let answer = client.receiveAll()
        #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.contains("\r\nConnection: close\r\n"))
        #expect(seen.withLock { $0 } == ["echo 413"])
    }

    @Test("finishes requests in progress when it stops, and closes idle connections")
    func gracefulStop() async throws {
        let idle = try RawClient(port: test.port)
        let busy = try RawClient(port: test.port)
        busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
        try await eventually("the request") { test.server.activeRequests == 1 && test.server.openConnections == 2 }
        let server = test.server
        async let stopped: Void = withCheckedContinuation { continuation in
            Thread.detachNewThread {
                server.stop(grace: .seconds(60))
                continuation.resume()
            }
        }
        try await eventually("the end of the idle connection") { server.openConnections == 1 }
        test.gate.isOpen.store(true, ordering: .relaxed)
        await stopped
        #expect(busy.receiveAll().hasSuffix("waited"))
        #expect(idle.receiveAll().isEmpty)
        #expect(throws: (any Error).self) { try RawClient(port: test.port) }
        #expect(test.server.openConnections == 0)
    }
}
