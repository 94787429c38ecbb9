import Foundation
import Synchronization
import TrackerCore

/// A fast HTTP/1.1 backend on a real socket: one thread for all connections. It answers as a test wants, and records
/// every request.
package final class EventSink: Sendable {
    /// A request as received.
    package struct Received: Sendable {
        /// The request line and the header fields, as sent.
        package var head: [UInt8]
        package var body: [UInt8]
        /// The number of its connection, counted from 0.
        package var connection: Int
        /// The number of the request, counted from 0.
        package var number: Int
        /// The monotonic time at which it was complete, in nanoseconds.
        package var time: UInt64
        /// The status it was answered with; nil if it was not, or not yet.
        package var status: Int?

        package var text: String { String(decoding: body, as: UTF8.self) }
        package var isBatch: Bool { field("content-type")?.hasPrefix("application/x-ndjson") == true }
        package var key: String { field("idempotency-key") ?? "" }

        /// The value of a field.
        ///
        /// - Parameter name: in lowercase.
        package func field(_ name: String) -> String? {
            for line in head.split(separator: UInt8(ascii: "\n")) {
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
                    String(decoding: line[..<colon], as: UTF8.self).lowercased() == name
                else { continue }
                return String(decoding: line[line.index(after: colon)...], as: UTF8.self)
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            }
            return nil
        }

        /// The paths of its events' URLs, without the leading slash; see `Sender`.
        package var paths: [String] { EventPaths.all(in: body) }
    }

    /// How a request is answered.
    package struct Answer: Sendable {
        package enum Body: Sendable {
            case none
            /// That many bytes, one after each interval.
            case drip(bytes: Int, every: Duration)
        }

        package enum Ending: Sendable {
            case keepsOpen, closes, resets
        }

        /// nil for no response.
        package var status: Int?
        /// Complete header lines.
        package var headers: [String] = []
        package var delay: Duration = .zero
        package var body = Body.none
        package var ending = Ending.keepsOpen

        package static func status(_ status: Int, _ headers: String..., after delay: Duration = .zero) -> Answer {
            Answer(status: status, headers: headers, delay: delay)
        }

        /// Accepts the request and never responds.
        package static let hangs = Answer(status: nil)
        package static let closes = Answer(status: nil, ending: .closes)
        package static let resets = Answer(status: nil, ending: .resets)

        /// Sends the status at once, and then a slow body.
        package static func drips(_ status: Int, bytes: Int, every: Duration) -> Answer {
            Answer(status: status, body: .drip(bytes: bytes, every: every))
        }
    }

    package typealias Script = @Sendable (Received) -> Answer

    private let core: EventSinkCore

    /// - Parameters:
    ///   - port: the port to listen on; 0 lets the system choose, and reserves the port until this object ends.
    ///   - takesBatches: whether every response offers NDJSON (`Accept-Post`).
    package init(port: UInt16 = 0, takesBatches: Bool = false, script: @escaping Script = { _ in .status(200) }) throws
    {
        core = try EventSinkCore(port: port, takesBatches: takesBatches, script)
    }

    deinit { core.end() }

    package var port: UInt16 { core.loop.port }
    package var endpoint: String { "http://127.0.0.1:\(port)" }
    /// The requests so far, in the order of their completion.
    package var received: [Received] { core.state.withLock { $0.received } }
    /// The number of requests so far.
    package var requests: Int { core.state.withLock { $0.received.count } }
    /// The number of lines in requests that were answered with 2xx.
    package var taken: Int { core.state.withLock { $0.taken } }
    package var connections: Int { core.state.withLock { $0.connections } }
    package var open: Int { core.state.withLock { $0.open } }
    package var mostConnections: Int { core.state.withLock { $0.mostConnections } }
    package var tally: EventTally { EventTally(received) }

    /// Changes how requests are answered from now on.
    package func answer(_ script: @escaping Script) { core.state.withLock { $0.script = script } }

    /// Closes all connections, and keeps listening.
    package func closeConnections() { core.closeConnections() }

    /// Closes the listener and all connections, as the kernel does for a killed process, and waits until that is done.
    package func stop() { core.end() }
}

extension EventSink {
    /// Returns a script that answers a share of the requests one way and all others another way. The choice is
    /// pseudorandom and the same in each run.
    package static func share(_ percent: Int, _ failure: Answer, others: Answer = .status(200)) -> Script {
        { request in
            // SplitMix64, so that a client can't get in step with a regular pattern.
            var bits = UInt64(request.number + 1) &* 0x9E37_79B9_7F4A_7C15
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return (bits ^ (bits >> 31)) % 100 < UInt64(percent) ? failure : others
        }
    }
}

/// Which events a sink received, and under which keys.
package struct EventTally: Sendable {
    /// The keys of the requests with an event, by the event's path, whatever they were answered with.
    package private(set) var keys: [String: Set<String>] = [:]
    /// How often an event was in a request that was answered with 2xx, under a key not accepted before.
    package private(set) var deliveries: [String: Int] = [:]
    /// Keys that were reused for other events.
    package private(set) var reusedKeys: [String] = []

    package init(_ received: [EventSink.Received]) {
        var content: [String: [String]] = [:]
        var settled: Set<String> = []
        for request in received {
            let (key, paths) = (request.key, request.paths)
            if let before = content[key], before != paths { reusedKeys.append(key) }
            content[key] = paths
            for path in paths { keys[path, default: []].insert(key) }
            guard let status = request.status, 200..<300 ~= status, settled.insert(key).inserted else { continue }
            for path in paths { deliveries[path, default: 0] += 1 }
        }
    }

    /// The events that were accepted at least once.
    package var delivered: Set<String> { Set(deliveries.keys) }
    /// Events that a backend which remembers keys would store twice.
    package var doubled: [String] { deliveries.filter { $0.value > 1 }.keys.sorted() }
    /// Events that were sent under more than one key.
    package var underTwoKeys: [String] { keys.filter { $0.value.count > 1 }.keys.sorted() }
}

/// Finds the events that a `Sender` has sent.
package enum EventPaths {
    private static let start = Array("http://example.com/".utf8)

    /// Returns the paths of the URLs in a text, without the leading slash.
    package static func all(in bytes: [UInt8]) -> [String] {
        var paths: [String] = []
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            while let found = bytes.firstOffset(of: start, from: offset) {
                let begin = found + start.count
                guard let end = bytes.firstOffset(of: [UInt8(ascii: "\"")], from: begin) else { return }
                paths.append(String(decoding: bytes[begin..<end], as: UTF8.self))
                offset = end
            }
        }
        return paths
    }
}

extension UnsafeRawBufferPointer {
    /// Returns the offset of a text. Uses `memchr` and `memcmp`, which are fast in unoptimized builds too.
    package func firstOffset(of text: [UInt8], from start: Int = 0) -> Int? {
        guard let base = baseAddress, let first = text.first else { return nil }
        var offset = start
        while offset + text.count <= count,
            let found = memchr(base + offset, Int32(first), count - text.count + 1 - offset)
        {
            offset = base.distance(to: UnsafeRawPointer(found))
            if memcmp(base + offset, text, text.count) == 0 { return offset }
            offset += 1
        }
        return nil
    }
}
