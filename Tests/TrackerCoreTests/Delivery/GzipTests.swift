import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

@Suite("Gzip", .enabled(if: Gzip.isAvailable, "needs the system's zlib"))
struct GzipTests {
    @Test("gives back what was compressed", arguments: [0, 1, 100, 70_000, 300_000])
    func roundTrip(count: Int) throws {
        var random = SystemRandomNumberGenerator()
        let compressor = try #require(GzipCompressor())
        for bytes in [
            [UInt8](repeating: 0x41, count: count), (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) },
        ] {
            let compressed = try #require(compressor.compress(bytes))
            #expect(Gzip.expand(compressed, limit: count) == bytes)
            if count > 0 { #expect(Gzip.expand(compressed, limit: count - 1) == nil) }
            #expect(Gzip.expand(Array(compressed.dropLast()), limit: count) == nil)
        }
    }

    @Test("is read to the end if it has several members, and refused if anything else follows")
    func members() throws {
        let bytes = Array("a member".utf8)
        let compressed = try #require(GzipCompressor()?.compress(bytes))
        #expect(Gzip.expand(compressed + compressed, limit: 100) == bytes + bytes)
        #expect(Gzip.expand(compressed + compressed, limit: bytes.count * 2) == bytes + bytes)
        #expect(Gzip.expand(compressed + compressed, limit: bytes.count * 2 - 1) == nil)
        #expect(Gzip.expand(compressed + Array(compressed.dropLast()), limit: 100) == nil)
        for tail in [Array("garbage".utf8), [0x1F], [0x1F, 0x8B], [0]] as [[UInt8]] {
            #expect(Gzip.expand(compressed + tail, limit: 100) == nil)
        }
    }

    @Test("of garbage is refused")
    func garbage() {
        #expect(Gzip.expand([], limit: 100) == nil)
        #expect(Gzip.expand(Array("not gzip at all".utf8), limit: 100) == nil)
    }

    @Test(
        "is offered by an Accept-Encoding that names it",
        arguments: [
            ("gzip", true), ("br, gzip", true), ("GZIP;q=0.5", true), ("gzip;q=0", false), ("gzip; q=0.0", false),
            ("deflate", false), ("", false), ("x-gzip", true), ("gzipped", false),
        ])
    func offers(value: String, expected: Bool) {
        #expect(HTTPAnswer.offersGzip(value) == expected)
    }

    @Test("is tried again a minute after zlib could not be loaded, and not before")
    func loadedLate() {
        let tries = Mutex(0)
        var compression = Compression(isAllowed: true) {
            tries.withLock { tries in
                tries += 1
                return tries > 1 ? GzipCompressor() : nil
            }
        }
        let body = [UInt8](repeating: 0x41, count: 4_096)
        for (seconds, expected) in [(100, 1), (159, 1), (160, 2), (500, 2)] as [(UInt64, Int)] {
            compression.offered(now: seconds * 1_000_000_000)
            #expect(tries.withLock { $0 } == expected)
            #expect((compression.compress(body) != nil) == (expected > 1))
        }
    }

    private func tracker(_ backend: ScriptedBackend) throws -> Tracker {
        var configuration = try TrackerConfiguration(
            projectID: "p", projectToken: "t", backendEndpoint: backend.endpoint)
        configuration.retryPolicy.base = .milliseconds(1)
        configuration.logHandler = { _ in }
        return try Tracker(configuration: configuration)
    }

    private func capture(_ numbers: Range<Int>, _ tracker: Tracker) {
        for number in numbers {
            tracker.begin(
                RequestSnapshot(method: "GET", target: "/\(number)", headers: RequestHeaders([("Host", "h")]))
            )?.finish(status: 200, viewName: "x")
        }
    }

    private func lines(_ request: ScriptedBackend.Received) -> Int {
        let body =
            request.headers["content-encoding"] == "gzip"
            ? Gzip.expand(request.body, limit: 16 << 20) ?? [] : request.body
        return body.split(separator: UInt8(ascii: "\n")).count
    }

    @Test("is what batches travel as, where the backend takes it")
    func batches() async throws {
        let backend = try ScriptedBackend { _ in
            .status(200, headers: ["Accept-Post: application/x-ndjson", "Accept-Encoding: gzip"])
        }
        let tracker = try tracker(backend)
        capture(0..<1, tracker)
        await tracker.flush()
        capture(1..<1001, tracker)
        #expect(await tracker.flush(timeout: TestTimeout.standard).pending == 0)
        let batches = backend.received.dropFirst()
        #expect(batches.allSatisfy { $0.headers["content-encoding"] == "gzip" })
        #expect(batches.reduce(0) { $0 + lines($1) } == 1000)
        #expect(batches.reduce(0) { $0 + $1.body.count } < 50_000)
        await tracker.shutdown()
        backend.stop()
    }

    @Test("is given up for a backend that refuses it after all, and nothing is lost")
    func refused() async throws {
        let backend = try ScriptedBackend { request in
            request.headers["content-encoding"] == nil
                ? .status(200, headers: ["Accept-Post: application/x-ndjson", "Accept-Encoding: gzip"]) : .status(415)
        }
        let tracker = try tracker(backend)
        capture(0..<1, tracker)
        await tracker.flush()
        capture(1..<1001, tracker)
        #expect(await tracker.flush(timeout: TestTimeout.standard).pending == 0)
        #expect(tracker.statistics.delivered == 1001)
        let accepted = backend.received.filter { $0.headers["content-encoding"] == nil }
        #expect(accepted.reduce(0) { $0 + max(1, lines($1)) } == 1001)
        #expect(backend.received.count { $0.headers["content-encoding"] != nil } <= 8)
        await tracker.shutdown()
        backend.stop()
    }
}
