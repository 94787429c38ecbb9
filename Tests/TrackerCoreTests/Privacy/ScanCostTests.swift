import Testing

@testable import TrackerCore

/// Measured in steps instead of time: how often the scanner looks at a byte.
@Suite("The cost of a scan")
struct ScanCostTests {
    private static func steps(_ text: [UInt8], _ context: ScanPass.Context) -> (steps: Int, isExhausted: Bool) {
        var scanner = SecretScanner(.with(), keeping: [])
        text.withUnsafeBufferPointer { scanner.scan($0, context) }
        return (scanner.steps, scanner.isExhausted)
    }

    private static let pieces = FilterProbe.beginnings
    private static let harmless = FilterProbe.harmless
    private static let repeated = FilterProbe.repeated

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

    // In shares, so that other tests get their turn in between.
    @Test(
        "grows with the length, and is at most three times the ordinary, for each beginning of a rule",
        arguments: 0..<8)
    func beginnings(share: Int) {
        for piece in stride(from: share, to: Self.pieces.count, by: 8).map({ Self.pieces[$0] }) {
            Self.check(piece, .header, [8 << 10, 16 << 10, 32 << 10])
            Self.check(piece, .url, [8 << 10])
            Self.check(piece + "a1", .header, [8 << 10])
            Self.check("a" + piece, .url, [8 << 10])
        }
    }

    // About 15 repetitions of each; the tests above check that the cost grows linearly.
    @Test("is at most three times the ordinary for each pair of beginnings", arguments: 0..<8)
    func pairs(share: Int) {
        var scanner = SecretScanner(.with(), keeping: [])
        let size = 320
        func steps(_ text: [UInt8], _ context: ScanPass.Context) -> Int {
            text.withUnsafeBufferPointer { scanner.scan($0, context) }
            return scanner.isExhausted ? .max : scanner.steps
        }
        let most = 3 * steps(Self.repeated(Self.harmless, size), .header)
        for one in stride(from: share, to: Self.pieces.count, by: 8) {
            for other in Self.pieces {
                // Each pair occurs in both orders: one goes into a header, the other into a URL.
                let text = Self.repeated(Self.pieces[one] + other, size)
                let found = steps(text, Self.pieces[one] < other ? .header : .url)
                if found > most { Issue.record("\(Self.pieces[one])\(other): \(found) against \(most / 3)") }
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
            // A different value each time: values found clean are cached.
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
