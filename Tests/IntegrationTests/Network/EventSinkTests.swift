import Foundation
import TestSupport
import Testing

@Suite("An event sink")
struct EventSinkTests {
    private func post(_ path: String, key: String) -> String {
        let body = "{\"full_url\":\"http://example.com/\(path)\"}"
        let head = "POST /p HTTP/1.1\r\nidempotency-key: \(key)\r\nCONTENT-LENGTH: \(body.utf8.count)"
        return "\(head)\r\n\r\n\(body)"
    }

    @Test("keeps each request with its key, however its bytes come")
    func keepsRequests() throws {
        let sink = try EventSink(takesBatches: true)
        let client = try RawClient(port: sink.port)
        for byte in post("a/0", key: "k0").utf8 { client.send([byte]) }
        let answer = client.receiveAnswer()
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("\r\nAccept-Post: application/x-ndjson\r\n"))
        // Two pipelined requests.
        client.send(post("a/1", key: "k1") + post("a/1", key: "k2"))
        for _ in 0..<2 { #expect(client.receiveAnswer().hasPrefix("HTTP/1.1 200 ")) }
        let tally = sink.tally
        #expect(sink.received.map(\.key) == ["k0", "k1", "k2"])
        #expect(sink.received.map(\.number) == [0, 1, 2])
        #expect(tally.delivered == ["a/0", "a/1"])
        #expect(tally.doubled == ["a/1"])
        #expect(tally.underTwoKeys == ["a/1"])
        #expect(tally.reusedKeys.isEmpty)
    }

    @Test("counts lines, and sees a key that came with other events")
    func batches() throws {
        let sink = try EventSink()
        let client = try RawClient(port: sink.port)
        for paths in [["b/0", "b/1"], ["b/0", "b/1"], ["b/0"]] {
            let body = paths.map { "{\"full_url\":\"http://example.com/\($0)\"}\n" }.joined()
            client.send("POST /p HTTP/1.1\r\nIdempotency-Key: one\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(client.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
        }
        #expect(sink.taken == 5)
        #expect(sink.tally.doubled.isEmpty)
        #expect(sink.tally.reusedKeys == ["one"])
    }

    @Test("fails a share, the same in each run", arguments: [0, 10, 50, 100])
    func share(percent: Int) throws {
        let sink = try EventSink(script: EventSink.share(percent, .status(503, "Retry-After: 1")))
        let client = try RawClient(port: sink.port)
        var failed = 0
        for number in 0..<400 {
            client.send(post("s/\(number)", key: "\(number)"))
            let answer = client.receiveAnswer()
            if answer.hasPrefix("HTTP/1.1 503 ") {
                failed += 1
                #expect(answer.contains("\r\nRetry-After: 1\r\n"))
            }
        }
        #expect(abs(failed - 4 * percent) <= 30)
        #expect(sink.taken == 400 - failed)
        #expect(sink.received.filter { $0.status == 503 }.count == failed)
    }

    @Test("hangs, closes, resets, drips and waits as it is told")
    func misbehaves() async throws {
        let sink = try EventSink { _ in .closes }
        for answer in [EventSink.Answer.closes, .resets] {
            sink.answer { _ in answer }
            let client = try RawClient(port: sink.port)
            client.send(post("m/0", key: "k"))
            #expect(client.receive().isEmpty)
        }
        #expect(sink.received.allSatisfy { $0.status == nil })

        sink.answer { _ in .drips(202, bytes: 5, every: .milliseconds(20)) }
        let client = try RawClient(port: sink.port)
        var started = ContinuousClock.now
        client.send(post("m/1", key: "k"))
        #expect(client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 202 "))
        var body: [UInt8] = []
        while body.count < 5 { body += client.receive() }
        #expect(String(decoding: body, as: UTF8.self) == ".....")
        #expect(ContinuousClock.now - started >= .milliseconds(100))

        sink.answer { _ in .status(200, after: .milliseconds(80)) }
        started = .now
        client.send(post("m/2", key: "k"))
        #expect(client.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
        #expect(ContinuousClock.now - started >= .milliseconds(80))

        sink.answer { _ in .hangs }
        client.send(post("m/3", key: "k"))
        try await eventually("the request") { sink.requests == 5 }
        client.close()
        try await eventually("the end") { sink.open == 0 }
        sink.stop()
        // A child that is being started holds a copy of the listener until exec.
        try await eventually("nobody who listens") { (try? RawClient(port: sink.port)) == nil }
        let again = try EventSink(port: sink.port)
        let other = try RawClient(port: again.port)
        other.send(post("m/4", key: "k"))
        #expect(other.receiveAnswer().hasPrefix("HTTP/1.1 200 "))
    }
}
