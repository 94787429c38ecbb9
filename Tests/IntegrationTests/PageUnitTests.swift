import Foundation
import TestSupport
import Testing

@Suite(
    "The live page's pure parts", .serialized,
    .enabled(
        if: Tool.areWanted("chromium", "chromedriver"),
        "needs chromium and chromedriver; REQUIRE_REAL_SERVERS=1 insists on them"))
struct PageUnitTests {
    @Test("do what their tests say, in Chromium", arguments: ["search", "stats", "text"])
    func units(name: String) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "PageTests")
        let harness = try String(contentsOf: folder.appending(path: "harness.js"), encoding: .utf8)
        let tests = try String(contentsOf: folder.appending(path: "\(name).test.js"), encoding: .utf8)
        try await LivePage.open { page in
            let result = try await page.browser.evaluateAsync(harness + tests + "\nreturn { count, failures };")
            let object = try #require(result as? [String: Any])
            #expect(object["failures"] as? [String] == [])
            #expect(object["count"] as? Int ?? 0 >= 8)
        }
    }
}
