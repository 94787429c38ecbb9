import Foundation
import TestSupport
import Testing

@Suite(
    "Figures on the live page", .serialized,
    .enabled(
        if: Tool.areWanted("chromium", "chromedriver"),
        "needs chromium and chromedriver; REQUIRE_REAL_SERVERS=1 insists on them"))
struct LivePageFigureTests {
    @Test("count each event as often as its weight says, and say that they are estimates")
    func weights() async throws {
        try await LivePage.open { page in
            let ok = try (0..<90).map {
                try HandlerClient.event(view: "ok", session: 0x2000 + $0, milliseconds: 1, weight: 10)
            }
            let bad = try (0..<9).map {
                try HandlerClient.event(view: "bad", status: 500, session: 0x1000 + $0, milliseconds: 9)
            }
            try await page.handler.post(ok + bad)
            try await page.expect("99 events", of: "count")
            try await page.expect("1.0 %", of: "errors")
            try await page.expect("≈ 909", of: "requests")
            try await page.expect("≈ 909", of: "sessions")
            try await page.expect("1.00 ms", of: "p95")
            try await page.expect("1.00 ms", of: "p99")
            #expect(try await page.browser.holds("return !document.getElementById('estimate').hidden"))
            try await page.browser.click("#tab-views")
            try await eventually("the table") { try await page.table().count == 2 }
            let rows = try await page.table()
            #expect(rows[0].prefix(3) == ["ok", "≈ 900", "99 %"])
            #expect(rows[1].prefix(3) == ["bad", "≈ 9", "1.0 %"] && rows[1][6] == "100 %")
        }
    }

    @Test("stand in tables by view, path, referrer, browser and the like, which sort and filter")
    func tables() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            try await page.handler.post([
                HandlerClient.event(
                    path: "/a?x=1", view: "home", session: 1, agent: "Firefox/1", milliseconds: 1,
                    referrer: "https://news.example/1"),
                HandlerClient.event(path: "/a?x=2", view: "home", session: 2, agent: "Firefox/1", milliseconds: 3),
                HandlerClient.event(
                    path: "/b", view: "shop", status: 500, session: 1, agent: "Firefox/1", milliseconds: 100,
                    time: 1_700_000_001_000_000_000, referrer: "http://h/a"),
            ])
            try await page.expect("3 events", of: "count")
            for (tab, keys) in [
                ("views", ["home", "shop"]), ("paths", ["/a", "/b"]), ("browsers", ["Firefox"]),
                ("referrers", ["(direct)", "(this site)", "news.example"]), ("statuses", ["200", "500"]),
                ("entries", ["/a"]), ("sessions", ["10000000", "20000000"]), ("projects", ["p"]),
            ] {
                try await browser.click("#tab-\(tab)")
                try await eventually("the table of \(tab)") {
                    try await page.table().map { $0[0] }.sorted() == keys
                }
            }
            try await browser.click("#tab-views")
            try await eventually("the order") { try await page.table().map { $0[0] } == ["home", "shop"] }
            let home = try await page.table()[0]
            #expect(Array(home[1...6]) == ["2", "67 %", "1.00 ms", "3.00 ms", "3.00 ms", "0 %"])
            try await browser.click("th[data-id='p95'] button")
            try await eventually("the order by p95") { try await page.table().map { $0[0] } == ["shop", "home"] }
            #expect(
                try await browser.text("return document.querySelector('th[data-id=p95]').getAttribute('aria-sort')")
                    == "descending")
            try await browser.click("th[data-id='p95'] button")
            try await eventually("the other order") { try await page.table().map { $0[0] } == ["home", "shop"] }
            try await eventually("the address") {
                try await browser.text("return location.hash") == "#tab=views&sort=p95-up"
            }
            try await browser.click("#table-body tr:first-child .pick")
            #expect(try await browser.text("return q.value") == "view:home")
            try await page.expect("2 of 3 events", of: "count")
            try await browser.click("#table-body tr:first-child .pick")
            try await page.expect("3 events", of: "count")
            try await browser.click("#tab-sessions")
            try await eventually("the sessions") { try await page.table().count == 2 }
            try await browser.click("#table-body tr:nth-child(2) .pick")
            try await page.expect("request 2 of 2", of: "place")
        }
    }

    @Test("are of the time that was chosen, and compared with the time before")
    func ranges() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            let now = Int(Date().timeIntervalSince1970 * 1e9)
            let minute = 60_000_000_000
            try await page.handler.post(
                [HandlerClient.event(path: "/old", time: now - 20 * minute)]
                    + (0..<10).map { _ in try HandlerClient.event(path: "/before", time: now - 8 * minute) }
                    + (0..<20).map { _ in try HandlerClient.event(path: "/now", time: now - 2 * minute) })
            try await page.expect("31 events", of: "count")
            try await browser.click("[data-range='5m']")
            try await page.expect("20 of 31 events", of: "count")
            try await page.expect("20", of: "requests")
            try await page.expect("+100 %", of: "requests-change")
            #expect(try await page.text("compared") == "changes: against the 5 min before")
            try await eventually { try await browser.text("return location.hash") == "#range=5m" }
            // The first half of the chart contains none of them.
            try await browser.click("[data-range='1h']")
            try await page.expect("31 events", of: "count")
            let box = try await browser.evaluate(
                "const b = document.getElementById('timeline-chart').getBoundingClientRect(); "
                    + "return [b.left, b.right, b.top, b.bottom]")
            let edges = (box as? [NSNumber] ?? []).map(\.intValue)
            try #require(edges.count == 4)
            let y = (edges[2] + edges[3]) / 2
            let width = edges[1] - edges[0]
            try await browser.drag(fromX: edges[0] + width * 3 / 4, toX: edges[1] - 1, y: y)
            try await page.expect("30 of 31 events", of: "count")
            #expect(try await browser.text("return location.hash").isEmpty == false)
            try await eventually {
                try await browser.text("return location.hash").range(
                    of: #"^#range=\d+-\d+$"#, options: .regularExpression)
                    != nil
            }
            // With the keyboard, the selection moves left, where there is one event.
            try await browser.type("\u{E012}\u{E012}\u{E012}\u{E012}\u{E012}\u{E012}", into: "#timeline-chart")
            try await eventually("another part") { try await page.text("count") != "30 of 31 events" }
            try await browser.click("#range-chosen")
            try await page.expect("31 events", of: "count")
            #expect(try await page.text("timeline-window").contains("bars of "))
        }
    }

    @Test("and events leave as NDJSON, CSV, HAR and as a command")
    func exports() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            try await page.handler.post([
                HandlerClient.event(path: "/a?q=1", view: "=cmd()", agent: "it's"),
                HandlerClient.event(path: "/b", status: 404),
            ])
            try await page.expect("2 events", of: "count")
            try await page.search("path:/a")
            try await page.expectRows("/a?q=1")
            // Intercept the download.
            try await browser.evaluate(
                "URL.createObjectURL = blob => { window.saved = blob; return '#'; }; "
                    + "HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; }; return 1")
            func saved(_ kind: String) async throws -> String {
                try await browser.click("#export summary")
                try await browser.click("#export [data-kind='\(kind)']")
                #expect(try await browser.text("return window.savedAs") == "events.\(kind)")
                return try await browser.evaluateAsync("return await window.saved.text()") as? String ?? ""
            }
            let lines = try await saved("ndjson").split(separator: "\n")
            #expect(lines.count == 1 && PrintedEvent(String(lines[0]))?.url == "http://h/a?q=1")
            let csv = try await saved("csv").components(separatedBy: "\r\n")
            #expect(csv[0].hasPrefix("time,project,status,took_ms,view,url,session"))
            #expect(
                csv[1]
                    == "2023-11-14T22:13:20.000Z,p,200,1,'=cmd(),http://h/a?q=1,00000000000000000000000000000000,,it's,1"
            )
            let har = try JSONSerialization.jsonObject(with: Data(try await saved("har").utf8)) as? [String: Any]
            let entries = (har?["log"] as? [String: Any])?["entries"] as? [[String: Any]]
            #expect(entries?.count == 1)
            #expect((entries?[0]["request"] as? [String: Any])?["url"] as? String == "http://h/a?q=1")
            try await browser.click(".list .row:not([hidden])")
            let command = try await browser.evaluateAsync(
                "return (await import('/_page/export.js')).curl(livePage.detail.opened.event)")
            #expect(command as? String == "curl -g 'http://h/a?q=1' \\\n  -H 'User-Agent: it'\\''s'")
        }
    }
}
