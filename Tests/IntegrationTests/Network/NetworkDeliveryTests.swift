import Foundation
import TestSupport
import Testing

/// A backend at a distance: a sink or an nginx behind a relay.
struct DistantBackend: Sendable {
    enum Kind: String, Sendable {
        case http = "HTTP/1.1"
        case https = "HTTPS"
        case http2 = "HTTP/2"
        case batches = "NDJSON"
    }

    let relay: Relay
    let sink: EventSink?
    let nginx: NginxBackend?

    /// - Parameters:
    ///   - roundTrip: in milliseconds; half of it each way.
    ///   - requestsPerConnection: the number of requests after which nginx closes a connection.
    init(_ kind: Kind, roundTrip: Int, requestsPerConnection: Int = 1_000_000) async throws {
        if kind == .http || kind == .batches {
            let sink = try EventSink(takesBatches: kind == .batches)
            (self.sink, nginx) = (sink, nil)
            relay = try Relay(to: sink.port, .init(delay: .microseconds(500 * roundTrip)))
        } else {
            let nginx = try await NginxBackend(
                .init(speaksHTTP2: kind == .http2, requestsPerConnection: requestsPerConnection))
            (sink, self.nginx) = (nil, nginx)
            relay = try Relay(to: nginx.port, .init(delay: .microseconds(500 * roundTrip)))
        }
    }

    var settings: [String: String] { nginx.map { ["RA_CA_FILE": $0.authority] } ?? [:] }
    var endpoint: String { nginx == nil ? relay.endpoint : relay.secureEndpoint }

    /// The number of distinct events that arrived, and of repeated arrivals.
    var arrived: (once: Int, again: Int) {
        if let nginx {
            let keys = nginx.requests.filter { $0.status == 204 }.map(\.key)
            let different = Set(keys).count
            return (different, keys.count - different)
        }
        let tally = sink?.tally
        return (tally?.delivered.count ?? 0, tally?.doubled.count ?? 0)
    }

    /// The most connections open at the same time.
    var mostConnections: Int { relay.counts.mostOpen }
}

@Suite(
    "A backend at a distance", .serialized, .enabled(if: NginxBackend.isWanted, Comment(rawValue: NginxBackend.reason)))
struct NetworkDeliveryTests {
    struct Load: Sendable, CustomTestStringConvertible {
        var kind: DistantBackend.Kind
        var roundTrip: Int
        var rate: Int
        var seconds: Int
        var mostConnections: Int
        var testDescription: String { "\(kind.rawValue), \(roundTrip) ms, \(rate)/s" }
    }

    @Test(
        "gets all events of a steady load, over few connections",
        arguments: [
            Load(kind: .http, roundTrip: 50, rate: 1000, seconds: 3, mostConnections: 64),
            Load(kind: .https, roundTrip: 50, rate: 1000, seconds: 3, mostConnections: 64),
            Load(kind: .http2, roundTrip: 50, rate: 5000, seconds: 2, mostConnections: 8),
            Load(kind: .http2, roundTrip: 150, rate: 2000, seconds: 2, mostConnections: 8),
            Load(kind: .batches, roundTrip: 150, rate: 3000, seconds: 2, mostConnections: 64),
        ])
    func steadyLoad(load: Load) async throws {
        let backend = try await DistantBackend(load.kind, roundTrip: load.roundTrip)
        // More than the default, for a machine busy with other tests; without concurrency it would take a minute.
        let sender = try Sender(
            "load", endpoint: backend.endpoint, settings: backend.settings.merging(["RA_SHUTDOWN_TIMEOUT": "30"]) { $1 }
        )
        try await sender.ask("pace \(load.rate) \(load.seconds)")
        try await sender.ask("shutdown")
        let counts = try await sender.counts()
        let all = load.rate * load.seconds
        #expect(counts.captured == all)
        #expect(counts.delivered == all, "\(counts)")
        try await eventually("the log") { backend.arrived.once == all }
        #expect(backend.arrived.again == 0)
        #expect(backend.mostConnections <= load.mostConnections)
        if load.kind == .http2 {
            #expect(backend.nginx?.requests.allSatisfy { $0.protocolName == "HTTP/2.0" } == true)
        }
        #expect(try await sender.finish() == 0)
    }

    @Test("that closes connections now and then gets each event once", arguments: [DistantBackend.Kind.https, .http2])
    func closedConnections(kind: DistantBackend.Kind) async throws {
        let backend = try await DistantBackend(kind, roundTrip: 20, requestsPerConnection: 50)
        let sender = try Sender(
            "closed", endpoint: backend.endpoint,
            settings: backend.settings.merging(["RA_SHUTDOWN_TIMEOUT": "30", "RETRY_CAP": "200"]) { $1 })
        try await sender.ask("pace 1000 2")
        try await sender.ask("shutdown")
        let counts = try await sender.counts()
        #expect(counts.delivered == 2000, "\(counts)")
        // nginx writes its log after it has answered.
        try await eventually("the log") { backend.arrived.once == 2000 }
        #expect(try await sender.finish() == 0)
    }

    @Test("gets all events of a demo that is stopped")
    func demoUntilSIGTERM() async throws {
        let backend = try await DistantBackend(.http, roundTrip: 50)
        let demo = try RunningProgram(
            "DemoRouterApp", ["--port", "0"],
            environment: [
                "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": backend.endpoint,
                "RA_SHUTDOWN_TIMEOUT": "30",
            ])
        let port = try await demo.port(after: "Open http")
        try await onThread {
            let client = try RawClient(port: port)
            let start = ContinuousClock.now
            for number in 0..<2000 {
                let due = start + .milliseconds(number)
                let early = due - .now
                if early > .zero { Thread.sleep(forTimeInterval: Double(early.components.attoseconds) / 1e18) }
                client.send("GET /hello/\(number)/ HTTP/1.1\r\nHost: example.com\r\n\r\n")
                guard client.receiveAnswer().hasPrefix("HTTP/1.1 200 ") else {
                    throw NeverHappened(description: "no answer")
                }
            }
        }
        #expect(try await demo.stop() == 0)
        #expect(demo.errors.contains("captured 2000, delivered 2000,"), "\(demo.errors)")
        // nginx writes its log after it has answered.
        try await eventually("the log") { backend.arrived.once == 2000 }
    }
}
