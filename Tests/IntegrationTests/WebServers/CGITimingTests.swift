import Foundation
import TestSupport
import Testing

@Suite(
    "In CGI mode, a backend that takes two seconds", .serialized,
    .enabled(if: WebServerSetup.areWanted, "\(WebServerSetup.reason)"))
struct CGITimingTests {
    /// Returns the time of two requests over one connection in seconds, until the second response is complete.
    ///
    /// Only its length marks the end of a response, so this is how long a client waits.
    private func pair(_ port: UInt16) throws -> Double {
        let client = try RawClient(port: port)
        let started = ContinuousClock.now
        for number in 1...2 {
            client.send("GET /hello/n\(number)/ HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = client.receiveAnswer()
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("Hello, n\(number)!\n"), "\(answer)")
        }
        let took = ContinuousClock.now - started
        return Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
    }

    /// Returns the time of one request on its own connection in seconds, until the server closes it.
    private func single(_ port: UInt16) throws -> Double {
        let client = try RawClient(port: port)
        let started = ContinuousClock.now
        client.send("GET /stream/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(client.receiveAll().contains("chunk 3"))
        let took = ContinuousClock.now - started
        return Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
    }

    @Test("keeps neither a visitor nor the next request waiting, and loses no event", arguments: WebServerSetup.cgi)
    func nobodyWaits(setup: WebServerSetup) async throws {
        let backend = try ScriptedBackend { _ in .status(200, delay: .seconds(2)) }
        let tracked = try await ServedDemo(setup, endpoint: backend.endpoint)
        // The same site without the tracker.
        let untracked = try await ServedDemo(setup, endpoint: backend.endpoint, isTracked: false)
        _ = try (pair(tracked.port), pair(untracked.port))
        var (with, without): ([Double], [Double]) = ([], [])
        for _ in 0..<4 {
            without.append(try pair(untracked.port) + single(untracked.port))
            with.append(try pair(tracked.port) + single(tracked.port))
        }
        // Waiting for the child would add the backend's two seconds to each of three requests.
        #expect((with.min() ?? 9) - (without.min() ?? 0) < 1, "\(with) against \(without)")
        // Two of the warm-up and three of each round.
        try await eventually("14 events, not \(backend.received.count)") { backend.received.count == 14 }
        try await eventually("an empty spool, not \(tracked.spooledEvents)") { tracked.spooledEvents == 0 }
        #expect(backend.received.allSatisfy { $0.line.hasPrefix("POST /proj-1 ") })
        try await tracked.stop()
        try await untracked.stop()
        backend.stop()
    }

    @Test("that is not there at all fails no request", arguments: WebServerSetup.cgi)
    func noBackend(setup: WebServerSetup) async throws {
        let backend = try ScriptedBackend()
        backend.stop()
        let site = try await ServedDemo(setup, endpoint: backend.endpoint)
        for _ in 0..<3 { _ = try pair(site.port) }
        try await eventually("6 events on disk, not \(site.spooledEvents)") { site.spooledEvents == 6 }
        try await site.stop()
    }
}
