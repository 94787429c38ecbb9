import Testing

@testable import TrackerCGI

private typealias Client = FastCGIClient

/// The protocol's state without I/O: no socket, no thread, and a clock that the test moves.
@Suite("FastCGI requests, byte by byte")
struct FastCGIMultiplexerTests {
    private final class Desk {
        let app = CGIApp()
        let admission: FastCGIAdmission
        var multiplexer = FastCGIMultiplexer(now: 0)
        var now = 0

        init(requests: Int = 100, bodyBytes: Int = 1 << 20) {
            admission = FastCGIAdmission(
                maximumConnections: 7, maximumRequests: requests, maximumBodyBytes: bodyBytes)
            app.route("/echo", methods: ["POST"]) { _ in CGIResponse(text: "") }
            app.route("/stream", methods: ["POST"], body: .streamed()) { _ in CGIResponse(text: "") }
            app.get("/") { _ in CGIResponse(text: "") }
        }

        private var context: FastCGIContext { FastCGIContext(app: app.snapshot, admission: admission, now: now) }

        func send(_ bytes: [UInt8]) -> FastCGIOutcome {
            var outcome = FastCGIOutcome()
            bytes.withUnsafeBytes { multiplexer.ingest($0, context, &outcome) }
            return outcome
        }

        func check() -> FastCGIOutcome {
            var outcome = FastCGIOutcome()
            multiplexer.checkTimes(context, &outcome)
            return outcome
        }
    }

    private static func begun(_ id: UInt16, _ path: String, length: Int? = nil) -> [UInt8] {
        var variables = [("REQUEST_METHOD", "POST"), ("REQUEST_URI", path)]
        if let length { variables.append(("CONTENT_LENGTH", String(length))) }
        return Client.begin(id) + Client.stream(4, id, Client.pairs(variables))
    }

    @Test("closes on a BEGIN_REQUEST whose id is in use, whatever state its request is in", arguments: 0..<4)
    func repeatedID(state: Int) {
        let desk = Desk()
        let before: [UInt8] =
            switch state {
            case 0: Client.begin(1)
            case 1: Self.begun(1, "/echo", length: 3)
            case 2: Self.begun(1, "/stream")
            default: Client.request(1)
            }
        #expect(!desk.send(before).isViolation)
        #expect(desk.multiplexer.requests.count == 1)
        let outcome = desk.send(Client.begin(1))
        #expect(outcome.isViolation && outcome.ready.isEmpty)
        #expect(desk.multiplexer.requests.count == 1)
        #expect(desk.admission.requestsInWork == 1)
    }

    @Test("takes an id again once its request has its answer")
    func freedID() throws {
        let desk = Desk()
        let first = try #require(desk.send(Client.request(1)).ready.first)
        #expect(desk.multiplexer.end(first.serial, now: 0)?.keepsConnection == true)
        let second = try #require(desk.send(Client.request(1)).ready.first)
        #expect(second.serial != first.serial)
    }

    @Test("refuses a body with 503 when all bodies together take too much, and gives the memory back")
    func budget() throws {
        let desk = Desk(bodyBytes: 100_000)
        let piece = [UInt8](repeating: 1, count: 40_000)
        _ = desk.send(Self.begun(1, "/echo", length: 80_000) + Client.record(5, 1, piece) + Client.record(5, 1, piece))
        #expect(desk.admission.bodies.used >= 80_000)
        var refused = desk.send(Self.begun(2, "/echo", length: 40_000) + Client.record(5, 2, piece))
        #expect(refused.ready.first?.request.failure == .overloaded)
        _ = refused.ready.first.map { desk.multiplexer.end($0.serial, now: 0) }
        refused = FastCGIOutcome()
        var whole = desk.send(Client.record(5, 1))
        #expect(try whole.ready.first?.request.body.count == 80_000)
        _ = whole.ready.first.map { desk.multiplexer.end($0.serial, now: 0) }
        // The handler may still read it.
        #expect(desk.admission.bodies.used >= 80_000)
        whole = FastCGIOutcome()
        #expect(desk.admission.bodies.used == 0)
    }

    @Test("gives a body up that comes, but a byte a second", arguments: ["/echo", "/stream"])
    func trickle(path: String) throws {
        let desk = Desk()
        let begun = desk.send(Self.begun(1, path, length: 100_000))
        let serial = try #require(desk.multiplexer.requests.first).serial
        var failed = false
        for second in 1...200 where !failed {
            desk.now = second * 1000
            _ = desk.send(Client.record(5, 1, [7]))
            if path == "/stream" {
                // The handler takes it, and waits for more.
                _ = desk.multiplexer.read(serial, upTo: 100, now: desk.now)
                _ = desk.multiplexer.read(serial, upTo: 100, now: desk.now)
            }
            let outcome = desk.check()
            failed = !outcome.ready.isEmpty || outcome.readable == [serial]
        }
        #expect(failed)
        #expect(desk.now > 60_000 && desk.now < 70_000)
        withExtendedLifetime(begun) {}
    }

    @Test("waits for ever for a handler that takes its time with a body")
    func slowHandler() throws {
        let desk = Desk()
        let begun = desk.send(Self.begun(1, "/stream") + Client.record(5, 1, [1]))
        let serial = try #require(begun.ready.first).serial
        for second in 1...1000 {
            desk.now = second * 1000
            #expect(desk.check().readable.isEmpty)
        }
        guard case .bytes(let piece, _) = desk.multiplexer.read(serial, upTo: 9, now: desk.now) else {
            Issue.record("no bytes")
            return
        }
        #expect(piece == [1])
    }

    @Test("closes a connection that has been idle for long, and sooner one that has never asked for anything")
    func idle() {
        let fresh = Desk()
        fresh.now = 29_000
        #expect(!fresh.check().closes)
        fresh.now = 31_000
        #expect(fresh.check().closes)
        let used = Desk()
        let outcome = used.send(Client.request(1))
        _ = used.multiplexer.end(outcome.ready[0].serial, now: 0)
        used.now = 299_000
        #expect(!used.check().closes)
        used.now = 301_000
        #expect(used.check().closes)
        // The idle time counts from the end of the response.
        let slow = Desk()
        let begun = slow.send(Client.request(1))
        _ = slow.multiplexer.end(begun.ready[0].serial, now: 400_000)
        slow.now = 401_000
        #expect(!slow.check().closes)
    }

    @Test("tells what GET_VALUES asks for as it is")
    func values() {
        let desk = Desk(requests: 33)
        let asked = Client.pairs([("FCGI_MAX_CONNS", ""), ("FCGI_MAX_REQS", "")])
        let bytes = desk.send(Client.record(9, 0, asked)).replies.bytes
        let values = FastCGINameValues.decode(Array(bytes.dropFirst(8)))
        #expect(values?["FCGI_MAX_CONNS"] == "7" && values?["FCGI_MAX_REQS"] == "33")
    }

    @Test("does the same with bytes however they are cut")
    func cuts() throws {
        let records =
            Self.begun(1, "/echo", length: 4) + Client.record(5, 1, Array("bo".utf8), padding: 3)
            + Client.request(2) + Client.record(5, 1, Array("dy".utf8)) + Client.record(5, 1)
        for size in [1, 2, 3, 7, 64, records.count] {
            let desk = Desk()
            var ready: [FastCGIReadyRequest] = []
            for start in stride(from: 0, to: records.count, by: size) {
                ready += desk.send(Array(records[start..<min(start + size, records.count)])).ready
            }
            #expect(ready.map(\.id) == [2, 1])
            #expect(try ready.last?.request.body == Array("body".utf8))
        }
    }

    @Test("gives a web server the time to pass on a response that was cut short, but no more than two seconds")
    func abruptEnd() {
        func isOver(_ looks: (now: Int, hasUnread: Bool)...) -> [Bool] {
            var end = AbruptEnd()
            _ = end.isOver(now: 0, hasUnread: false)
            return looks.map { end.isOver(now: $0.now, hasUnread: $0.hasUnread) }
        }
        #expect(isOver((99, false), (100, false)) == [false, true])
        #expect(isOver((500, true), (599, false), (600, false)) == [false, false, true])
        #expect(isOver((1999, true), (2000, true)) == [false, true])
    }
}
