import Testing

@testable import TrackerCore

/// In steps, not in time: how often the scanner looks at bytes.
@Suite("The cost of a scan")
struct ScanCostTests {
    private static func steps(_ text: [UInt8], _ context: ScanPass.Context) -> (steps: Int, isExhausted: Bool) {
        var scanner = SecretScanner(.standard, keeping: [])
        text.withUnsafeBufferPointer { scanner.scan($0, context) }
        return (scanner.steps, scanner.isExhausted)
    }

    private static func repeated(_ piece: String, _ count: Int) -> [UInt8] {
        let bytes = Array(piece.utf8)
        return (0..<count).map { bytes[$0 % bytes.count] }
    }

    private static let harmless = "/articles/2026/11/a-long-title-of-an-article?ref=front&page=3 "

    /// Beginnings of keys, and of everything else that makes the scanner look further.
    private static let pieces: [String] =
        SecretFormat.all.map(\.prefix) + [
            "eyJ", "bearer ", "basic ", "basic+", "-----BEGIN ", "://", "@", "a@b.", "code=", "token", "key:", "4111 ",
            "4111", "411-", "+1", "+49 ", "DE89", "DE89 ", "123-45-", "/reset/", "/reset/a1", "password=&", "%253D",
            "\\u0070",
            "&#112;", "&amp;", "<a>", "<password>", "\"token\":", "phone=1 ", "cGFzc3dvcmQ9", "70617373", "state=%",
            "M0000000000000000000000000.", "12345678:AA", "token=\"\\\"", "=", ":", "{\"", ",a", "é", "\u{A0}",
        ]

    private static func check(_ piece: String, _ context: ScanPass.Context, _ sizes: [Int]) {
        var last = 0
        for size in sizes {
            let (steps, isExhausted) = steps(repeated(piece, size), context)
            let plain = Self.steps(repeated(harmless, size), context).steps
            #expect(!isExhausted, "\(piece)")
            #expect(steps <= 3 * plain, "\(piece), \(size): \(steps) against \(plain)")
            if last > 0 { #expect(steps <= last * 2 + last / 4 + 1024, "\(piece), \(size): \(steps) after \(last)") }
            last = steps
        }
    }

    @Test("grows with the length, and is at most three times the ordinary, for each beginning of a rule")
    func beginnings() {
        for piece in Self.pieces {
            Self.check(piece, .header, [8 << 10, 16 << 10, 32 << 10])
            Self.check(piece, .url, [8 << 10])
            Self.check(piece + "a1", .header, [8 << 10])
            Self.check("a" + piece, .url, [8 << 10])
        }
    }

    @Test("is at most three times the ordinary for pairs of beginnings")
    func pairs() {
        let size = 8 << 10
        let plain = Self.steps(Self.repeated(Self.harmless, size), .header).steps
        for (index, one) in Self.pieces.enumerated() {
            for offset in stride(from: 1, to: Self.pieces.count, by: 67) {
                let pair = one + Self.pieces[(index + offset) % Self.pieces.count]
                let (steps, isExhausted) = Self.steps(Self.repeated(pair, size), .header)
                #expect(!isExhausted && steps <= 3 * plain, "\(pair): \(steps) against \(plain)")
            }
        }
    }

    @Test("ends at its bound, and what was not read is hidden")
    func bound() {
        var filter = PrivacyFilter(policy: .standard)
        let value = Self.repeated("harmless words ", 8192)
        var texts: [String] = []
        for _ in 0..<80 {
            var writer = JSONWriter()
            // Each another value: what was found clean is not read again.
            var text = value
            text[0] = UInt8(ascii: "a") + UInt8(texts.count % 26)
            text[1] = UInt8(ascii: "a") + UInt8(texts.count / 26)
            text.withUnsafeBufferPointer { filter.append(searching: $0, keeping: $0.count, to: &writer) }
            texts.append(String(decoding: writer.bytes, as: UTF8.self))
        }
        #expect(texts.first?.contains("harmless") == true)
        #expect(texts.last == "[Filtered]")
        #expect(filter.exhaustions > 0)
        #expect(filter.steps <= PrivacyFilter.stepsPerEvent + ScanPass.bound(value.count))
        filter.beginEvent()
        var writer = JSONWriter()
        value.withUnsafeBufferPointer { filter.append(searching: $0, keeping: $0.count, to: &writer) }
        #expect(String(decoding: writer.bytes, as: UTF8.self).contains("harmless"))
    }

    @Test("beyond its bound is counted, and the event says that something is missing")
    func counted() async throws {
        let transport = InMemoryTransport()
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "t")
        configuration.logHandler = { _ in }
        let tracker = try Tracker(configuration: configuration, transport: transport)
        let value = String(decoding: Self.repeated("harmless words ", 8192), as: UTF8.self)
        for headers in [(0..<100).map { ("X-\($0)", "\($0)" + value) }, [("X-A", "b")]] {
            tracker.begin(RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders(headers)))?
                .finish(status: 200, viewName: "v")
        }
        await tracker.flush()
        #expect(tracker.statistics.filterLimits == 1)
        #expect(transport.events.map { $0.contains("\"truncated\":true") } == [true, false])
    }
}
