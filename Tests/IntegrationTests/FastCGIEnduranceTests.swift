import Foundation
import TestSupport
import Testing

@Suite("The FastCGI demo as a process", .serialized)
struct FastCGIEnduranceTests {
    private struct Setup {
        let handler: RunningProgram
        let handlerPort: UInt16
        let demo: RunningProgram
        let port: UInt16

        init() async throws {
            handler = try RunningProgram("EventHandler", ["--port", "0", "--quiet"])
            handlerPort = try await handler.port(after: "listens on")
            demo = try RunningProgram(
                "DemoCGIApp", ["--fastcgi", "127.0.0.1:0"],
                environment: [
                    "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t",
                    "RA_BACKEND_ENDPOINT": "http://127.0.0.1:\(handlerPort)",
                    // A backlog on a busy machine is not a leak, but would look like one.
                    "RA_QUEUE_CAPACITY": "1000",
                    // Limits the delivery's connections, which would otherwise be counted as the server's.
                    "RA_MAXIMUM_CONNECTIONS": "2",
                ])
            let demo = demo
            var port: UInt16?
            try await eventually("the port on standard error") {
                port = demo.errors.split(separator: "\n").first { $0.contains("listening on port ") }
                    .flatMap { UInt16($0.split(separator: " ").last ?? "") }
                return port != nil
            }
            self.port = port ?? 0
        }

        /// Sends requests: most multiplexed on kept connections, some on their own. Now and then the web server
        /// disconnects halfway.
        func ask(_ count: Int) throws {
            let targets = [
                "/", "/hello/x/?a=1", "/nope", "/stream/../any/y", "/boom/", "/async-sleep?ms=0", "/big?n=9000",
            ]
            var asked = 0
            while asked < count {
                let peer = try FastCGIPeer(port: port)
                for round in 0..<12 {
                    let ids = Array(UInt8(1)...20)
                    var batch: [UInt8] = []
                    for id in ids { batch += FastCGIPeer.request(id, targets[(asked + Int(id)) % targets.count]) }
                    if round == 11 {
                        // Half of another request, and nobody reads the responses.
                        peer.send(FastCGIPeer.request(1, "/json/", method: "POST", body: [1, 2, 3]).dropLast(9))
                        break
                    }
                    peer.send(batch)
                    guard peer.answers(ids.count) != nil else {
                        throw NeverHappened(description: "closed after \(asked) requests")
                    }
                    asked += ids.count
                }
                peer.close()
                for _ in 0..<5 {
                    let single = try FastCGIPeer(port: port)
                    single.send(
                        FastCGIPeer.request(1, "/echo", method: "POST", body: [0x61, 0x62], keepsConnection: false))
                    guard single.answers(1)?.hasSuffix("ab") == true else {
                        throw NeverHappened(description: "no echo after \(asked) requests")
                    }
                    asked += 1
                }
            }
        }

        /// Waits until all requests have their events at the handler and the demo is idle with no event pending;
        /// returns its descriptors and memory.
        func settled(events: Int) async throws -> (descriptors: Int, bytes: Int) {
            try await eventually("all events to be delivered") {
                let lines = demo.errors.count { $0 == "\n" }
                demo.signal(SIGUSR2)
                try await eventually("the status") { demo.errors.count { $0 == "\n" } > lines }
                let status = demo.errors.split(separator: "\n").last { $0.contains(" in progress, ") } ?? ""
                let captured = status.components(separatedBy: "captured ").dropFirst().first ?? ""
                return (Int(captured.prefix { $0.isNumber }) ?? 0) >= events
                    && status.contains(", 0 in progress, 0 waiting") && status.contains("pending 0,")
            }
            return (demo.descriptors, demo.residentBytes)
        }

        func stop() async throws {
            #expect(try await demo.stop() == 0)
            try await handler.stop()
        }
    }

    @Test("leaks neither descriptors nor memory over 50,000 requests")
    func leaks() async throws {
        let setup = try await Setup()
        try setup.ask(15_000)
        let before = try await setup.settled(events: 15_000)
        try setup.ask(50_000)
        let after = try await setup.settled(events: 65_000)
        // The delivery's connections come and go.
        #expect(after.descriptors <= before.descriptors + 2, "\(before.descriptors) -> \(after.descriptors)")
        #expect(after.bytes - before.bytes < 6 << 20, "\(before.bytes) -> \(after.bytes)")
        try await setup.stop()
        let counts = setup.demo.errors.split(separator: "\n").last { $0.contains("captured") } ?? ""
        #expect(counts.contains("pending 0"), "\(counts)")
    }

    @Test("serves 200 connections at a time, and forgets those that are cut off at any byte")
    func connections() async throws {
        let setup = try await Setup()
        let first = try FastCGIPeer(port: setup.port)
        first.send(FastCGIPeer.request(1, "/"))
        #expect(first.answers(1) != nil)
        first.close()
        let before = try await setup.settled(events: 1).descriptors
        let peers = try (0..<200).map { _ in try FastCGIPeer(port: setup.port) }
        for peer in peers { peer.send(FastCGIPeer.request(1, "/hello/x/")) }
        for peer in peers { #expect(peer.answers(1)?.hasSuffix("Hello, x!\n") == true) }
        for peer in peers { peer.close() }
        let request = FastCGIPeer.request(1, "/echo", method: "POST", body: Array("body".utf8))
        for count in 0...request.count {
            let peer = try FastCGIPeer(port: setup.port)
            peer.send(Array(request.prefix(count)))
            peer.close()
        }
        let demo = setup.demo
        try await eventually("the connections to be closed") { demo.descriptors <= before + 2 }
        let last = try FastCGIPeer(port: setup.port)
        last.send(request)
        #expect(last.answers(1)?.hasSuffix("body") == true)
        last.close()
        try await setup.stop()
    }
}
