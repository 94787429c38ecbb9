import Foundation
import TestSupport
import Testing

@Suite(
    "The live page", .serialized,
    .enabled(
        if: Tool.areWanted("chromium", "chromedriver"),
        "needs chromium and chromedriver; REQUIRE_REAL_SERVERS=1 insists on them"))
struct LivePageTests {
    /// Opens the page in a browser, and expects nothing on the browser's console in the end.
    private func inBrowser(
        test: (HandlerClient, Browser) async throws -> Void
    ) async throws {
        let handler = try await HandlerClient()
        try await Browser.run { browser in
            try await browser.open(handler.address)
            try await eventually("the stream") { try await browser.text(Self.state) == "Live" }
            try await test(handler, browser)
            #expect(try await browser.console() == [])
        }
        try await handler.program.stop()
    }

    private static let state = "return document.getElementById('state-text').textContent"
    private static let count = "return document.getElementById('count').textContent"
    private static let nodes = "return document.querySelectorAll('*').length"
    /// The paths of the rows that can be seen, from top to bottom.
    private static let paths = """
        return [...document.querySelectorAll('.list .row')].filter(row => !row.hidden)
            .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
            .map(row => row.querySelector('.path').textContent).join(' ')
        """

    private func expect(_ paths: String, _ browser: Browser) async throws {
        try await eventually("the rows \"\(paths)\"") { try await browser.text(Self.paths) == paths }
    }

    @Test("shows events as they come, newest first, without being loaded again")
    func showsEvents() async throws {
        try await inBrowser { handler, browser in
            try await browser.evaluate("window.isSame = true")
            #expect(
                try await browser.text("return document.getElementById('empty').innerText").contains(
                    "RA_BACKEND_ENDPOINT=\(handler.address.dropLast())"))
            let now = Int(Date().timeIntervalSince1970 * 1e9)
            try await handler.post([HandlerClient.event(path: "/one", milliseconds: 1.5, time: now)])
            try await expect("/one", browser)
            try await handler.post([
                HandlerClient.event(path: "/two?x=%3Cb%3E", view: nil, status: 404, milliseconds: 250, time: now)
            ])
            try await expect("/two?x=%3Cb%3E /one", browser)
            #expect(try await browser.holds("return window.isSame === true"))
            let row = try await browser.text(
                "return document.querySelector('.list .row[aria-posinset=\"1\"]').innerText")
            #expect(row.contains("404") && row.contains("(no view)") && row.contains("250 ms"))
            try await eventually("the charts") {
                try await browser.text(
                    "return ['p50', 'p99'].map(id => document.getElementById(id).textContent).join()")
                    == "1.50 ms,250 ms"
            }
            #expect(
                try await browser.text("return document.getElementById('status-list').innerText").contains("4xx\n1"))
            #expect(try await browser.text("return document.getElementById('rate-peak').textContent") == "peak 2")
        }
    }

    @Test("leaves what an event says as text")
    func escapes() async throws {
        try await inBrowser { handler, browser in
            let attack = "</pre><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
            try await handler.post(
                [HandlerClient.event(path: "/'onclick='document.title=1", view: attack, agent: attack)], project: "<b>p"
            )
            try await expect("/'onclick='document.title=1", browser)
            try await browser.click(".list .row")
            try await eventually("the event") {
                try await browser.text("return document.getElementById('json').textContent").contains(
                    "<script>document.title")
            }
            #expect(try await browser.text("return document.getElementById('facts').textContent").contains(attack))
            #expect(try await browser.text("return document.title").hasPrefix("Live events"))
            #expect(try await browser.number("return document.querySelectorAll('script').length") == 1)
            #expect(
                try await browser.number("return document.querySelectorAll('main img, main b:not(:empty) *').length")
                    == 0)
            // Even markup that got in would not run: the policy forbids it, which the console tells.
            try await browser.evaluate(
                "const s = document.createElement('img'); s.setAttribute('onerror', \"document.title='owned'\"); s.src = 'x:'; "
                    + "document.body.append(s); return 1")
            try await eventually("a refusal") {
                try await browser.console().contains { $0.contains("Content Security Policy") }
            }
            #expect(try await browser.text("return document.title").hasPrefix("Live events"))
            _ = try await browser.console()
        }
    }

    @Test("filters by status, view, session and text, and remembers that in its address")
    func filters() async throws {
        try await inBrowser { handler, browser in
            try await handler.post([
                HandlerClient.event(path: "/a", view: "home", status: 200, session: 0xa1, agent: "Firefox"),
                HandlerClient.event(path: "/b", view: "home", status: 404, session: 0xb2, agent: "Safari \"beta\""),
                HandlerClient.event(path: "/c", view: nil, status: 403, session: 0xb2, agent: "curl"),
                HandlerClient.event(path: "/d", view: "shop", status: 500, session: 0xc3, agent: "curl"),
            ])
            try await expect("/d /c /b /a", browser)
            try await browser.click("#status option[value='4']")
            try await expect("/c /b", browser)
            #expect(try await browser.text(Self.count) == "2 of 4 events")
            try await browser.click("#status option[value='404']")
            try await expect("/b", browser)
            try await browser.click("#reset")
            try await browser.click("#view option[value='=home']")
            try await expect("/b /a", browser)
            try await browser.type("B2", into: "#session")
            try await expect("/b", browser)
            try await handler.post([HandlerClient.event(path: "/e", view: "home", session: 0xb2)])
            try await handler.post([HandlerClient.event(path: "/f", view: "shop", session: 0xb2)])
            try await expect("/e /b", browser)
            try await browser.click("#reset")
            try await browser.type("CURL /d", into: "#q")
            try await expect("/d", browser)
            try await browser.type("\"beta\"", into: "#q")
            try await expect("/b", browser)
            try await eventually { try await browser.text("return location.hash") == "#q=%22beta%22" }
            try await browser.open(handler.address)
            try await expect("/f /e /d /c /b /a", browser)
            try await browser.open(handler.address + "#view=null")
            try await expect("/c", browser)
        }
    }

    @Test("opens an event with all of its JSON and its session's trail, with the keyboard alone")
    func opens() async throws {
        try await inBrowser { handler, browser in
            try await handler.post([
                HandlerClient.event(path: "/start", session: 1, time: 1_700_000_000_123_456_789),
                HandlerClient.event(path: "/other", session: 2, time: 1_700_000_000_223_456_789),
                HandlerClient.event(path: "/end", session: 1, time: 1_700_000_000_323_456_789),
            ])
            try await expect("/end /other /start", browser)
            try await browser.type("jjj\u{E007}", into: "body")
            // Enter works on the list, where the keys above have not put the focus.
            try await browser.type("\u{E007}", into: "#list")
            try await eventually("the event") {
                try await browser.text("return document.getElementById('json').textContent")
                    .contains("\"time_request_received_ns\": 1700000000123456789")
            }
            let trail = "return [...document.querySelectorAll('.trail .path')].map(path => path.textContent).join(' ')"
            #expect(try await browser.text(trail) == "/start /end")
            try await handler.post([HandlerClient.event(path: "/later", session: 1)])
            try await eventually("the trail") { try await browser.text(trail) == "/start /end /later" }
            try await browser.type("k", into: "#list")
            try await eventually("the next") {
                try await browser.text("return document.getElementById('detail-title').textContent") == "200/other"
            }
            try await browser.type("\u{E00C}", into: "body")
            #expect(try await browser.holds("return document.getElementById('detail').hidden"))
            try await browser.type("/", into: "body")
            #expect(try await browser.text("return document.activeElement.id") == "q")
        }
    }

    @Test("stands still during a pause, and has what came meanwhile after it")
    func pauses() async throws {
        try await inBrowser { handler, browser in
            try await handler.post([HandlerClient.event(path: "/1")])
            try await expect("/1", browser)
            try await browser.type("p", into: "body")
            try await handler.post([HandlerClient.event(path: "/2"), HandlerClient.event(path: "/3")])
            try await eventually("the count") { try await browser.text(Self.state) == "Paused, 2 new" }
            #expect(try await browser.text(Self.paths) == "/1")
            try await browser.click("#pause")
            try await expect("/3 /2 /1", browser)
            #expect(try await browser.text(Self.state) == "Live")
        }
    }

    @Test("goes on with an event handler that was started anew, and shows no event twice")
    func restart() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "live-\(UUID().uuidString).ndjson")
        defer { try? FileManager.default.removeItem(at: file) }
        let first = try await HandlerClient("--store", file.path)
        try await first.post([HandlerClient.event(path: "/1"), HandlerClient.event(path: "/2")])
        try await Browser.run { browser in
            try await browser.open(first.address)
            try await expect("/2 /1", browser)
            try await first.program.stop()
            try await eventually("the loss") { try await browser.text(Self.state) == "Connection lost, trying again" }
            let second = try await HandlerClient("--store", file.path, port: first.port)
            try await second.post([HandlerClient.event(path: "/3")])
            try await expect("/3 /2 /1", browser)
            #expect(try await browser.text(Self.state) == "Live")
            try await second.program.stop()
        }
    }

    @Test("keeps few elements with 10,000 events and more, and scrolls to the oldest")
    func manyEvents() async throws {
        try await inBrowser { handler, browser in
            for batch in 0..<20 {
                try await handler.post(
                    (0..<500).map {
                        try HandlerClient.event(
                            path: "/\(batch * 500 + $0)", view: "view\($0)", status: 200 + $0 % 400, session: $0)
                    })
            }
            try await eventually(within: .seconds(60), "10,000 events") {
                try await browser.text(Self.count) == "10,000 events"
            }
            #expect(try await browser.number(Self.nodes) < 2500)
            let rows = try await browser.number("return document.querySelectorAll('.list .row').length")
            #expect(rows < 100)
            try await browser.evaluate("const l = document.getElementById('list'); l.scrollTop = l.scrollHeight")
            try await eventually("the oldest") { try await browser.text(Self.paths).hasSuffix(" /1 /0") }
            #expect(try await browser.number("return document.querySelectorAll('.list .row').length") == rows)
            // Who reads further down stays where he is.
            try await handler.post([HandlerClient.event(path: "/new")])
            try await eventually("the note") {
                try await browser.text("return document.getElementById('newest').textContent") == "↑ 1 new"
            }
            #expect(try await browser.text(Self.paths).hasSuffix(" /1 /0"))
            for _ in 0..<4 { try await handler.post((0..<500).map { try HandlerClient.event(path: "/more\($0)") }) }
            try await eventually(within: .seconds(60), "the oldest to make way") {
                let held = try await browser.text(Self.count).filter(\.isNumber)
                let isNewest = try await browser.holds("return all[all.length - 1].path === '/more499'")
                return isNewest && (10_000...11_000).contains(Int(held) ?? 0)
            }
            #expect(try await browser.number(Self.nodes) < 2500)
        }
    }

    @Test("is dark or light as the system is or as told, and fits a phone")
    func appearance() async throws {
        try await inBrowser { handler, browser in
            try await handler.post([
                HandlerClient.event(path: "/" + String(repeating: "long", count: 100), milliseconds: 8.88)
            ])
            let brightness = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
            for (scheme, isDark) in [("dark", true), ("light", false)] {
                try await browser.devTools(
                    "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": scheme]]])
                #expect((try await browser.number(brightness) < 128) == isDark)
            }
            try await browser.click("#theme")
            #expect(try await browser.number(brightness) < 128)
            try await browser.open(handler.address + "#")
            #expect(try await browser.number(brightness) < 128)
            try await browser.devTools(
                "Emulation.setDeviceMetricsOverride",
                ["width": 375, "height": 700, "deviceScaleFactor": 2, "mobile": true])
            try await eventually("the row") {
                try await browser.number("return document.querySelectorAll('.list .row:not([hidden])').length") == 1
            }
            try await eventually("the figures") { try await browser.text("return p99.textContent").contains("8.88") }
            let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            try await eventually("a page as wide as the phone") { try await browser.number(overflow) == 0 }
            try await browser.evaluate("document.querySelector('.list .row').click()")
            try await eventually("an event as wide as the phone") {
                let width = try await browser.number("return document.getElementById('detail').clientWidth")
                let tooWide = try await browser.number(overflow)
                return width == 375 && tooWide == 0
            }
        }
    }
}
