import Foundation
import TestSupport
import Testing

@Suite("Eight clients at once", .serialized)
struct ConcurrentClientsTests {
    private struct Asked: Sendable {
        var kind: Int
        var answeredNanoseconds: Int
    }

    static let statuses = [200, 201, 202, 203, 404, 418, 500, 503]

    @Test("get one event for each of 20,000 requests, each with its own fields")
    func oneEventEach() async throws {
        let setup = try await DemoSetup()
        let threadsBefore = try await warmThreadCount(setup)
        let perClient = 2500
        let asked = try await withThrowingTaskGroup(of: [String: Asked].self) { group in
            for client in 0..<8 {
                group.addTask {
                    try await onThread { try ask(perClient, client: client, port: setup.port) }
                }
            }
            var all: [String: Asked] = [:]
            for try await part in group { all.merge(part) { $1 } }
            return all
        }
        #expect(asked.count == 8 * perClient)
        // The process's thread count has not changed.
        #expect(setup.demo.threads <= threadsBefore)
        let events = try await setup.events(8 * perClient + 8, within: .seconds(120))
            .filter { $0.url.contains("/e/") && !$0.url.contains("/warm") }
        #expect(events.count == 8 * perClient)
        var seen: Set<String> = []
        for event in events {
            let parts = event.url.split(separator: "/").map(String.init)
            let uid = parts[4]
            let request = try #require(asked[uid])
            #expect(seen.insert(uid).inserted)
            #expect(parts[3] == String(request.kind))
            #expect(event.viewName == "echo\(request.kind)")
            #expect(event.status == Self.statuses[request.kind])
            #expect(event.processing >= request.answeredNanoseconds)
        }
        try await setup.stop()
        #expect(setup.demo.errors.contains("pending 0"))
    }

    private func warmThreadCount(_ setup: DemoSetup) async throws -> Int {
        for client in 0..<8 {
            let raw = try RawClient(port: setup.port)
            raw.send("GET /e/0/warm\(client)/1000/ HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = raw.receiveAnswer()
        }
        _ = try await setup.events(8)
        return setup.demo.threads + 2
    }

    /// Sends requests to handlers of different durations over one keep-alive connection.
    private func ask(_ count: Int, client: Int, port: UInt16) throws -> [String: Asked] {
        let connection = try RawClient(port: port)
        var asked: [String: Asked] = [:]
        for number in 0..<count {
            let kind = (number + client) % 8
            let uid = "c\(client)-\(number)"
            let microseconds = number % 50 == 0 ? 3000 : 0
            connection.send("GET /e/\(kind)/\(uid)/\(microseconds)/ HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = connection.receiveAnswer()
            #expect(answer.hasPrefix("HTTP/1.1 \(Self.statuses[kind]) "))
            let body = answer.components(separatedBy: "\r\n\r\n").last ?? ""
            let json = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
            #expect(json?["uid"] as? String == uid)
            asked[uid] = Asked(kind: kind, answeredNanoseconds: json?["ns"] as? Int ?? .max)
        }
        return asked
    }
}

/// Runs blocking work on its own thread, so that it does not block a thread of the cooperative pool.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
    }
}
