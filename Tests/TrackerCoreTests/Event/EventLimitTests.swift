import Foundation
import TestSupport
import Testing

@testable import TrackerCore

@Suite("An event of a very large request")
struct EventLimitTests {
    private func event(
        target: String = "/", headers: [(name: String, value: String)] = [], cookies: [String] = [],
        viewName: String? = "home", privacy: PrivacyPolicy = .none, style: EventStyle = .router
    ) throws -> (bytes: Int, data: [String: Any]) {
        let snapshot = RequestSnapshot(
            method: "GET", target: target, host: "e.org", headers: RequestHeaders(headers), style: style)
        let bytes = EventEncoderTests.encode(snapshot, privacy: privacy, cookies: cookies, viewName: viewName)
        return (bytes.count, try EventEncoderTests.eventData(bytes))
    }

    @Test("of ordinary size says nothing about being cut")
    func ordinary() throws {
        let data = try event(headers: [("A", String(repeating: "x", count: 8192))]).data
        #expect(data["truncated"] == nil)
    }

    @Test("keeps 8 KiB of a header's value, at the end of a character", arguments: ["x", "é", "日", "😀"])
    func longValue(character: String) throws {
        let value = String(repeating: character, count: 9000)
        let data = try event(headers: [("A", value)]).data
        let kept = try #require((data["header_data"] as? [String: String])?["HTTP_A"])
        #expect(value.hasPrefix(kept))
        #expect((8189...8192).contains(kept.utf8.count))
        #expect(data["truncated"] as? Bool == true)
    }

    @Test("keeps 100 headers")
    func manyHeaders() throws {
        let data = try event(headers: (0..<150).map { ("X-\($0)", "v") }).data
        #expect((data["header_data"] as? [String: String])?.count == 100)
        #expect(data["truncated"] as? Bool == true)
    }

    @Test("keeps 16 KiB of the URL, and no half escape", arguments: ["a", "é", "%41", "\u{1}"])
    func longURL(piece: String) throws {
        let data = try event(target: "/" + String(repeating: piece, count: 20_000)).data
        let url = try #require(data["full_url"] as? String)
        #expect(url.utf8.count <= 16 << 10 && url.utf8.count > 15 << 10)
        #expect(!PercentEncoding.hasInvalidEscape(url.utf8))
        #expect(data["truncated"] as? Bool == true)
    }

    @Test(
        "stays below 64 KiB whatever escaping makes of it", arguments: PrivacyMode.allCases, [EventStyle.router, .cgi])
    func worstCase(mode: PrivacyMode, style: EventStyle) throws {
        let hostile = String(repeating: "\u{1}\"\\", count: 30_000)
        let headers =
            (0..<200).map { ("X-\($0)", hostile) }
            + [("Cookie", (0..<5000).map { "c\($0)=\(String(repeating: "\u{2}", count: 40))" }.joined(separator: ";"))]
        let (bytes, data) = try event(
            target: "/" + hostile, headers: headers,
            cookies: (0..<2000).map { "c\($0)=v; Path=/\(String(repeating: "\u{3}", count: 50))" }, viewName: hostile,
            privacy: PrivacyPolicy(mode), style: style)
        #expect(bytes <= 64 << 10)
        #expect(data["truncated"] as? Bool == true)
    }
}
