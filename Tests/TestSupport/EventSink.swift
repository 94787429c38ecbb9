import Foundation
import Synchronization
import TrackerCore

/// A fast backend on a real socket: HTTP/1.1, one thread for all connections. It answers as a test wants, and keeps every
/// request.
package final class EventSink: Sendable {
    /// A request as it came.
    package struct Received: Sendable {
        /// The request line and the fields, as they were sent.
        package var head: [UInt8]
        package var body: [UInt8]
        /// Which connection it came over, counted from 0.
        package var connection: Int
        /// Which request of the sink it is, counted from 0.
        package var number: Int
        /// When it was there, by the monotonic clock, in nanoseconds.
        package var time: UInt64
        /// What it was answered with; nil: not at all, or not yet.
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

        /// The paths of its events' addresses, without the first slash; see `Sender`.
        package var paths: [String] { EventPaths.all(in: body) }
    }

    /// What it answers.
    package struct Answer: Sendable {
        package enum Body: Sendable {
            case none
            /// So many bytes, one after each interval.
            case drip(bytes: Int, every: Duration)
        }

        package enum Ending: Sendable {
            case keepsOpen, closes, resets
        }

        /// nil: nothing is answered.
        package var status: Int?
        /// Whole lines.
        package var headers: [String] = []
        package var delay: Duration = .zero
        package var body = Body.none
        package var ending = Ending.keepsOpen

        package static func status(_ status: Int, _ headers: String..., after delay: Duration = .zero) -> Answer {
            Answer(status: status, headers: headers, delay: delay)
        }

        /// Takes the request and says nothing.
        package static let hangs = Answer(status: nil)
        package static let closes = Answer(status: nil, ending: .closes)
        package static let resets = Answer(status: nil, ending: .resets)

        /// The status at once, and a body that takes long.
        package static func drips(_ status: Int, bytes: Int, every: Duration) -> Answer {
            Answer(status: status, body: .drip(bytes: bytes, every: every))
        }
    }

    package typealias Script = @Sendable (Received) -> Answer

    private let core: EventSinkCore

    /// - Parameters:
    ///   - port: where to listen; 0 lets the system choose, and keeps the port until this object ends.
    ///   - takesBatches: whether every answer says that NDJSON is welcome.
    package init(port: UInt16 = 0, takesBatches: Bool = false, script: @escaping Script = { _ in .status(200) }) throws
    {
        core = try EventSinkCore(port: port, takesBatches: takesBatches, script)
    }

    deinit { core.end() }

    package var port: UInt16 { core.loop.port }
    package var endpoint: String { "http://127.0.0.1:\(port)" }
    /// What came so far, in the order in which it was complete.
    package var received: [Received] { core.state.withLock { $0.received } }
    /// How many requests came.
    package var requests: Int { core.state.withLock { $0.received.count } }
    /// How many lines were in requests that were answered with 2xx.
    package var taken: Int { core.state.withLock { $0.taken } }
    package var connections: Int { core.state.withLock { $0.connections } }
    package var open: Int { core.state.withLock { $0.open } }
    package var mostConnections: Int { core.state.withLock { $0.mostConnections } }
    package var tally: EventTally { EventTally(received) }

    /// Changes what is answered from now on.
    package func answer(_ script: @escaping Script) { core.state.withLock { $0.script = script } }

    /// Closes all connections, and goes on to listen.
    package func closeConnections() { core.closeConnections() }

    /// Closes the listener and all connections, as a killed process does, and waits for that.
    package func stop() { core.end() }
}

extension EventSink {
    /// A share of requests gets one answer, all others another. Which ones looks like chance, and is the same in each run.
    package static func share(_ percent: Int, _ failure: Answer, others: Answer = .status(200)) -> Script {
        { request in
            // SplitMix64: neighbours must not follow a pattern that a client could be in step with.
            var bits = UInt64(request.number + 1) &* 0x9E37_79B9_7F4A_7C15
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return (bits ^ (bits >> 31)) % 100 < UInt64(percent) ? failure : others
        }
    }
}

/// Which events came to a sink, under which keys.
package struct EventTally: Sendable {
    /// The keys of requests that held an event, by the event's path, whatever they were answered with.
    package private(set) var keys: [String: Set<String>] = [:]
    /// How often an event was in a request that was answered with 2xx, under a key that had not been.
    package private(set) var deliveries: [String: Int] = [:]
    /// Keys that came with other events than before.
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

    /// The events that were taken at least once.
    package var delivered: Set<String> { Set(deliveries.keys) }
    /// Events that a backend which remembers keys would have twice.
    package var doubled: [String] { deliveries.filter { $0.value > 1 }.keys.sorted() }
    /// Events that came under more than one key.
    package var underTwoKeys: [String] { keys.filter { $0.value.count > 1 }.keys.sorted() }
}

/// Finds the events that a `Sender` has sent.
package enum EventPaths {
    private static let start = Array("http://example.com/".utf8)

    /// The paths of addresses in a text, without the first slash.
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
    /// Where a text begins, by `memchr` and `memcmp`: quick without an optimizer, too.
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
