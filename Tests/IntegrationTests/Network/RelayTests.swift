import Foundation
import TestSupport
import Testing

@Suite("A relay")
struct RelayTests {
    private static func request(_ number: Int) -> String {
        let body = "{\"url\":\"http://example.com/relay/\(number)\"}"
        let head = "POST /p HTTP/1.1\r\nHost: h\r\nIdempotency-Key: k\(number)\r\nContent-Length: \(body.utf8.count)"
        return "\(head)\r\n\r\n\(body)"
    }

    private static func ask(_ client: RawClient, _ number: Int) -> Bool {
        client.send(request(number)) && client.receiveAnswer().hasPrefix("HTTP/1.1 200 ")
    }

    @Test("hands on what comes, over many connections at once, in order")
    func handsOn() async throws {
        let sink = try EventSink()
        let relay = try Relay(to: sink.port, .init(delay: .milliseconds(3)))
        let port = relay.port
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for client in 0..<16 {
                group.addTask {
                    try await onThread {
                        let connection = try RawClient(port: port)
                        return (0..<50).allSatisfy { Self.ask(connection, client * 50 + $0) }
                    }
                }
            }
            for try await isComplete in group { #expect(isComplete) }
        }
        #expect(sink.taken == 800)
        #expect(sink.tally.delivered.count == 800)
        #expect(sink.tally.underTwoKeys.isEmpty)
        #expect(relay.counts.accepted == 16)
        #expect(relay.counts.bytesUp == (0..<800).reduce(0) { $0 + Self.request($1).utf8.count })
        for connection in 0..<16 {
            let numbers = sink.received.filter { $0.connection == connection }.compactMap { received in
                received.paths.first.flatMap { Int($0.dropFirst(6)) }
            }
            #expect(numbers == numbers.sorted())
        }
    }

    @Test("carries large messages whole, in both directions", arguments: [Duration.zero, .milliseconds(5)])
    func largeMessages(delay: Duration) async throws {
        let sink = try EventSink { _ in .status(200) }
        let relay = try Relay(to: sink.port, .init(delay: delay))
        let bytes = (0..<(6 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let port = relay.port
        let answer = try await onThread {
            let client = try RawClient(port: port)
            client.send("POST / HTTP/1.1\r\nContent-Length: \(bytes.count)\r\n\r\n")
            client.send(bytes)
            return client.receiveAnswer()
        }
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(sink.received.first?.body == bytes)
    }

    @Test("delays each direction, and applies new conditions at once")
    func delays() async throws {
        let sink = try EventSink()
        let relay = try Relay(to: sink.port, .init(delay: .milliseconds(60)))
        let client = try RawClient(port: relay.port)
        let started = ContinuousClock.now
        #expect(Self.ask(client, 0))
        // Never earlier; how much later depends on the machine.
        #expect(ContinuousClock.now - started >= .milliseconds(120))
        relay.set(.init(isStalled: true))
        client.send(Self.request(1))
        // What another connection sends later overtakes it.
        let marker = try RawClient(port: relay.port)
        try await eventually("the marker's connection") { relay.counts.accepted == 2 }
        relay.set(.init(), of: 1)
        #expect(Self.ask(marker, 9))
        #expect(sink.requests == 2)
        relay.set(.init(), of: 0)
        #expect(client.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
        // New connections still get the conditions set for all.
        let other = try RawClient(port: relay.port)
        other.send(Self.request(2))
        try await eventually("the other connection") { relay.counts.accepted == 3 }
        #expect(Self.ask(marker, 10))
        #expect(sink.requests == 4)
        relay.set(.init())
        #expect(other.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
    }

    @Test("trickles")
    func trickles() async throws {
        let sink = try EventSink()
        let relay = try Relay(to: sink.port, .init(trickle: .init(bytes: 10, every: .milliseconds(2))))
        let client = try RawClient(port: relay.port)
        let started = ContinuousClock.now
        #expect(Self.ask(client, 7))
        #expect(sink.tally.delivered == ["relay/7"])
        let pauses = Self.request(7).utf8.count / 10 - 1
        #expect(ContinuousClock.now - started >= .milliseconds(2 * pauses))
    }

    @Test("cuts and resets, one or all")
    func ends() async throws {
        let sink = try EventSink()
        let relay = try Relay(to: sink.port)
        let clients = try (0..<4).map { _ in try RawClient(port: relay.port) }
        for (number, client) in clients.enumerated() { #expect(Self.ask(client, number)) }
        relay.cut(0)
        #expect(clients[0].receive().isEmpty)
        #expect(Self.ask(clients[1], 10))
        relay.reset(1)
        #expect(clients[1].receive().isEmpty)
        relay.reset()
        #expect(!Self.ask(clients[2], 11) && !Self.ask(clients[3], 12))
        #expect(relay.counts.open == 0)
        #expect(relay.counts.mostOpen == 4)
        try await eventually("the sink's side") { sink.open == 0 }
        let again = try RawClient(port: relay.port)
        #expect(Self.ask(again, 13))
    }

    @Test("hands on the end of a connection, from either side")
    func handsOnTheEnd() async throws {
        let sink = try EventSink()
        let relay = try Relay(to: sink.port, .init(delay: .milliseconds(1)))
        let first = try RawClient(port: relay.port)
        #expect(Self.ask(first, 0))
        first.close()
        try await eventually("the sink's side") { sink.open == 0 }
        let second = try RawClient(port: relay.port)
        #expect(Self.ask(second, 1))
        sink.closeConnections()
        #expect(second.receive().isEmpty)
    }

    @Test("goes half-open: bytes vanish, and the server sees the end")
    func halfOpen() async throws {
        let sink = try EventSink()
        let relay = try Relay(to: sink.port)
        let client = try RawClient(port: relay.port, timeout: .seconds(1))
        #expect(Self.ask(client, 0))
        relay.set(.init(isHalfOpen: true), of: 0)
        #expect(client.send(Self.request(1)))
        try await eventually("the sink's side") { sink.open == 0 }
        #expect(sink.requests == 1)
        #expect(relay.counts.open == 1)
        #expect(client.send(Self.request(2)))
    }

    @Test("refuses, and resets after some bytes")
    func refuses() async throws {
        let sink = try EventSink()
        let relay = try Relay(to: sink.port) { number in
            number == 0 ? .init(isRefused: true) : number == 1 ? .init(resetAfter: 30) : nil
        }
        for _ in 0..<2 {
            let client = try RawClient(port: relay.port)
            #expect(!Self.ask(client, 0))
        }
        #expect(sink.requests == 0)
        let client = try RawClient(port: relay.port)
        #expect(Self.ask(client, 1))
        sink.stop()
        try await eventually("the end") { !Self.ask(client, 2) }
    }
}
