import DemoServer
import EventReceiver
import Synchronization
import TrackerCGI
import TrackerCore

/// A parser of hostile input, as a function of bytes.
package struct FuzzTarget: Sendable {
    package let name: String
    package let seeds: [[UInt8]]
    /// Throws if the result is wrong; crashes and hangs need no check.
    package let run: @Sendable ([UInt8]) throws -> Void

    /// A wrong result that a target has found.
    package struct Finding: Error {
        package let text: String
    }

    package static let all: [FuzzTarget] = [event, filter, cookies, fastcgi, cgi, http, spool, json, dates]

    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }

    // MARK: The targets

    /// URL, headers, filter and JSON writer: the event must be JSON, and not too long.
    private static let event = FuzzTarget(name: "event", seeds: Seeds.requests) { bytes in
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let fields = lines.dropFirst(2).map { line -> (name: String, value: String) in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
        }
        for mode in PrivacyMode.allCases {
            for style in [EventStyle.router, .cgi] {
                var meter = EncodingMeter(
                    privacy: PrivacyPolicy(mode),
                    snapshot: RequestSnapshot(
                        method: "GET", target: lines.count > 1 ? lines[1] : "", host: lines.first,
                        headers: RequestHeaders(fields), style: style))
                let json = meter.encoded()
                guard json.count <= 64 << 10 else { throw Finding(text: "an event of \(json.count) bytes") }
                if let fault = EventValidator.fault(in: try JSONReader.read(json[...])) {
                    throw Finding(text: "not an event: \(fault)")
                }
            }
        }
    }

    /// The most steps per byte so far, among inputs of at least 256 bytes.
    package static let worstSteps = Mutex((ratio: 0.0, text: [UInt8]()))

    /// The filter alone, for its worst case. Dense hostile text reaches the step limit and is hidden from there on. The
    /// check in progress may exceed the limit by one pass over the rest of the text.
    private static let filter = FuzzTarget(name: "filter", seeds: Seeds.filtered) { bytes in
        var probe = FilterProbe()
        // Repeated, because a superlinear cost shows only in long texts.
        let text = bytes.isEmpty ? [] : (0..<min(8192, bytes.count * 16)).map { bytes[$0 % bytes.count] }
        for isURL in [false, true] {
            let (steps, _) = probe.steps(text, isURL: isURL)
            guard steps <= 4096 + 10 * text.count else { throw Finding(text: "\(steps) steps for \(text.count) bytes") }
            guard text.count >= 256 else { continue }
            let ratio = Double(steps) / Double(text.count)
            worstSteps.withLock { worst in if ratio > worst.ratio { worst = (ratio, bytes) } }
        }
    }

    private static let cookies = FuzzTarget(name: "cookies", seeds: Seeds.cookies) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        _ = SessionCookie.read(from: text)
        _ = CookieReader.parse(text.utf8).count
        _ = FastCGIProbe.readCookies(bytes)
    }

    private static let fastcgi = FuzzTarget(name: "fastcgi", seeds: Seeds.fastCGI) { bytes in
        guard FastCGIProbe.read(bytes) <= bytes.count else { throw Finding(text: "more content than input") }
    }

    private static let cgi = FuzzTarget(name: "cgi", seeds: Seeds.variables) { bytes in
        let pairs = bytes.split(separator: 0x0A).map { line -> (name: String, value: String) in
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (
                String(decoding: parts[0], as: UTF8.self),
                parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
            )
        }
        _ = FastCGIProbe.read(variables: pairs)
    }

    private static let http = FuzzTarget(name: "http", seeds: Seeds.http) { bytes in
        _ = HTTPProbe.read(bytes)
    }

    private static let spool = FuzzTarget(name: "spool", seeds: Seeds.segments) { bytes in
        let size = SpoolProbe.read(bytes).reduce(0) { $0 + $1.count }
        guard size <= bytes.count else { throw Finding(text: "more records than bytes") }
    }

    private static let json = FuzzTarget(name: "json", seeds: Seeds.json) { bytes in
        // What the fast scanner accepts, the reader and the validator must accept too, with the same result.
        let summary = EventScanner.scan(bytes[...])
        guard let value = try? JSONReader.read(bytes[...]), EventValidator.fault(in: value) == nil else {
            guard summary == nil else { throw Finding(text: "the scanner accepts what is no event") }
            return
        }
        guard let summary else { return }
        guard value["event_data"]?["time_request_received_ns"] == .integer(summary.requestTime),
            value["project_token"] == .string(String(decoding: bytes[summary.token], as: UTF8.self))
        else { throw Finding(text: "the scanner sees another event") }
    }

    private static let dates = FuzzTarget(name: "dates", seeds: Seeds.dates) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        _ = HeaderProbe.read(text)
        _ = Gzip.expand(bytes, limit: 1 << 16)
    }
}
