import Foundation
import TestSupport
import Testing

@Suite(
    "The live page", .serialized,
    .enabled(
        if: Tool.areWanted("chromium", "chromedriver"),
        "needs chromium and chromedriver; REQUIRE_REAL_SERVERS=1 insists on them"))
struct LivePageTests {
    private static let nodes = "return document.querySelectorAll('*').length"

    @Test("shows events as they come, newest first, without being loaded again")
    func showsEvents() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            try await browser.evaluate("window.isSame = true")
            let now = Int(Date().timeIntervalSince1970 * 1e9)
            try await page.handler.post([HandlerClient.event(path: "/one", milliseconds: 1.5, time: now)])
            try await page.expectRows("/one")
            try await page.handler.post([
                HandlerClient.event(path: "/two?x=%3Cb%3E", view: nil, status: 404, milliseconds: 250, time: now)
            ])
            try await page.expectRows("/two?x=<b> /one")
            #expect(try await browser.holds("return window.isSame === true"))
            let row = try await browser.text(
                "return document.querySelector('.list .row[aria-posinset=\"1\"]').innerText")
            #expect(row.contains("404") && row.contains("(no view)") && row.contains("250 ms"))
            try await page.expect("1.50 ms", of: "p50")
            try await page.expect("250 ms", of: "p99")
            #expect(
                try await browser.text("return document.getElementById('status-list').innerText").contains("4xx\n1"))
            // Normal figures of a fast site raise no alarm.
            #expect(
                try await browser.text("return getComputedStyle(p99).color")
                    == browser.text("return getComputedStyle(p50).color"))
        }
    }

    @Test("leaves what an event says as text, and lets nothing turn its direction")
    func escapes() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            let attack = "</pre><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
            try await page.handler.post(
                [
                    HandlerClient.event(
                        path: "/'onclick='document.title=1", view: attack + "\u{202E}gnp.exe", agent: attack,
                        milliseconds: 9e12)
                ], project: "<b>p")
            try await page.expectRows("/'onclick='document.title=1")
            try await browser.click(".list .row")
            try await eventually("the event") {
                try await page.text("json").contains("<script>document.title")
            }
            #expect(try await page.text("facts").contains(attack))
            #expect(try await page.text("json").contains("⟨U+202E⟩gnp.exe"))
            try await browser.click("#tab-views")
            try await eventually("the view") { try await page.table().first?.first?.contains("⟨U+202E⟩") == true }
            #expect(
                try await browser.number(
                    "return document.body.textContent.split('').filter(c => c === '\\u202e').length")
                    == 0)
            #expect(try await browser.text("return document.title").hasPrefix("Live events"))
            #expect(try await browser.number("return document.querySelectorAll('script').length") == 1)
            #expect(try await browser.number("return document.querySelectorAll('main img').length") == 0)
            // A request of 285 years fits its card too.
            let overflow =
                "return [...document.querySelectorAll('.card dd, .card dl')].filter(e => "
                + "e.getBoundingClientRect().right > e.closest('.card').getBoundingClientRect().right).length"
            #expect(try await browser.number(overflow) == 0)
            #expect(try await browser.console() == [])
            // Even injected markup would not run: the policy blocks it, and the console reports that.
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

    @Test("searches by field and by text, and remembers that in its address and for the next visit")
    func searches() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            try await page.handler.post([
                HandlerClient.event(path: "/a", view: "home", status: 200, session: 0xa1, agent: "Mozilla Firefox/1"),
                HandlerClient.event(path: "/b", view: "home", status: 404, session: 0xb2, agent: "Safari \"beta\""),
                HandlerClient.event(path: "/c", view: nil, status: 403, session: 0xb2, agent: "curl/8"),
                HandlerClient.event(
                    path: "/d", view: "shop", status: 500, session: 0xc3, agent: "curl/8", milliseconds: 50),
            ])
            try await page.handler.post([HandlerClient.event(path: "/other")], project: "second")
            try await page.expectRows("/other /d /c /b /a")
            for (query, rows) in [
                ("status:4xx", "/c /b"), ("status:404", "/b"), ("view:home -project:second", "/b /a"),
                ("session:B2", "/c /b"), ("took>20ms", "/d"), ("CURL /d", "/d"), ("\"beta\"", "/b"),
                ("-curl -project:second", "/b /a"), ("view:none", "/c"), ("browser:firefox", "/a"),
                ("project:second", "/other"), ("path:/b", "/b"),
            ] {
                try await page.search(query)
                try await page.expectRows(rows)
            }
            #expect(try await page.text("count") == "1 of 5 events")
            // Clicking a status toggles it in the search.
            try await browser.click("#reset")
            try await browser.click("#status-list .s4")
            try await page.expectRows("/c /b")
            #expect(try await browser.text("return q.value") == "status:4xx")
            try await page.handler.post([HandlerClient.event(path: "/e", status: 418)])
            try await page.expectRows("/e /c /b")
            try await eventually { try await browser.text("return location.hash") == "#q=status%3A4xx" }
            // The next visit restores it; an address with a search of its own wins.
            try await browser.open("about:blank")
            try await browser.open(page.handler.address)
            try await page.expectRows("/e /c /b")
            try await browser.open("about:blank")
            try await browser.open(page.handler.address + "#q=view%3Ashop")
            try await page.expectRows("/d")
            try await page.search("took>soon")
            try await page.expect("took: >20ms, <1s", of: "q-error")
        }
    }

    @Test("completes what is typed, using only the keyboard")
    func completes() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            try await page.handler.post([
                HandlerClient.event(path: "/1", view: "checkout"), HandlerClient.event(path: "/2", view: "home"),
            ])
            try await page.expectRows("/2 /1")
            try await browser.type("/", into: "body")
            #expect(try await browser.text("return document.activeElement.id") == "q")
            #expect(try await browser.holds("return !document.getElementById('q-help').hidden"))
            try await browser.type("vi", into: "#q")
            let offered = "return [...document.querySelectorAll('#q-options b')].map(b => b.textContent).join()"
            #expect(try await browser.text(offered) == "view:")
            try await browser.evaluate("q.focus()")
            // Down and Enter accept the field, then its value.
            try await browser.type("vi\u{E015}\u{E007}", into: "#q")
            #expect(try await browser.text(offered).contains("view:checkout"))
            try await browser.type("view:ch\u{E015}\u{E007}", into: "#q")
            #expect(try await browser.text("return q.value") == "view:checkout ")
            try await page.expectRows("/1")
        }
    }

    @Test("opens an event with all of its JSON, and brings it back after a reload and a restart of the handler")
    func opens() async throws {
        let folder = try TemporaryFolder()
        try await LivePage.open("--store", folder.path + "/events", endsServer: true) { page in
            let browser = page.browser
            try await page.handler.post([
                HandlerClient.event(path: "/start", session: 1, time: 1_700_000_000_123_456_789),
                HandlerClient.event(path: "/other", session: 2, time: 1_700_000_000_223_456_789),
                HandlerClient.event(path: "/end", session: 1, time: 1_700_000_000_323_456_789),
            ])
            try await page.expectRows("/end /other /start")
            try await browser.type("jjj\u{E007}", into: "body")
            try await eventually("the event") {
                try await page.text("json").contains("\"time_request_received_ns\": 1700000000123456789")
            }
            #expect(try await page.text("json").contains("\"project_token\": \"[set]\""))
            try await eventually("the address") {
                try await browser.text("return location.hash").hasPrefix("#event=1700000000123456789-")
            }
            let address = try await browser.text("return location.href")
            try await browser.open("about:blank")
            try await browser.open(address)
            try await eventually("the event again") { try await page.text("detail-title") == "200/start" }
            try await page.handler.program.stop()
            try await eventually("the loss") {
                try await page.text("state-text").hasPrefix("The event handler is gone since ")
            }
            let second = try await HandlerClient("--store", folder.path + "/events", port: page.handler.port)
            try await second.post([HandlerClient.event(path: "/3")])
            // No event is lost or shown twice, and the detail stays open.
            try await page.expectRows("/3 /end /other /start")
            try await page.expect("Live", of: "state-text")
            #expect(try await page.text("detail-title") == "200/start")
            try await browser.open("about:blank")
            try await browser.open(address)
            try await eventually("the event again") { try await page.text("detail-title") == "200/start" }
            try await browser.type("\u{E00C}", into: "body")
            #expect(try await browser.holds("return document.getElementById('detail').hidden"))
            try await second.program.stop()
        }
    }

    @Test("tells a session's story, and goes through it by key")
    func story() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            let start = 1_700_000_000_000_000_000
            try await page.handler.post([
                HandlerClient.event(path: "/in", view: "home", session: 1, time: start),
                HandlerClient.event(path: "/else", session: 2, time: start + 1_000_000_000),
                HandlerClient.event(path: "/buy", view: "shop", status: 500, session: 1, time: start + 5_000_000_000),
                HandlerClient.event(path: "/again", view: "shop", session: 1, time: start + 205_000_000_000),
            ])
            try await page.expectRows("/again /buy /else /in")
            try await browser.type("jjjj\u{E007}s", into: "body")
            let story = "return [...document.querySelectorAll('.story .path')].map(path => path.textContent).join(' ')"
            try await eventually("the story") { try await browser.text(story) == "/in /buy /again" }
            #expect(try await page.text("story-facts").contains("3 requests · in 3.42 min"))
            #expect(try await page.text("story-facts").hasSuffix("1 error"))
            #expect(try await page.text("story").contains("3.33 min later"))
            try await page.expect("request 1 of 3", of: "place")
            try await browser.type("n", into: "body")
            try await page.expect("500/buy", of: "detail-title")
            try await page.expect("request 2 of 3", of: "place")
            try await browser.type("nn", into: "body")
            try await page.expect("200/again", of: "detail-title")
            try await browser.type("b", into: "body")
            try await page.expect("500/buy", of: "detail-title")
            // It grows while it is open.
            try await page.handler.post([HandlerClient.event(path: "/late", session: 1, time: start + 206_000_000_000)])
            try await eventually("the story") { try await browser.text(story) == "/in /buy /again /late" }
            try await browser.click("#only-session")
            try await page.expectRows("/late /again /buy /in")
        }
    }

    @Test("stands still during a pause, and has what came meanwhile after it")
    func pauses() async throws {
        try await LivePage.open { page in
            try await page.handler.post([HandlerClient.event(path: "/1")])
            try await page.expectRows("/1")
            try await page.browser.type("p", into: "body")
            try await page.handler.post([HandlerClient.event(path: "/2"), HandlerClient.event(path: "/3")])
            try await page.expect("Paused, 2 new", of: "state-text")
            #expect(try await page.rows() == "/1")
            try await page.browser.click("#pause")
            try await page.expectRows("/3 /2 /1")
            try await page.expect("Live", of: "state-text")
        }
    }

    @Test("says how many of how many it shows, and loads older ones on scrolling")
    func history() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            try await browser.open("about:blank")
            for batch in 0..<10 {
                try await page.handler.post(
                    (0..<500).map {
                        let number = batch * 500 + $0
                        return try HandlerClient.event(
                            path: "/\(number)", view: "view\($0)", status: 200 + $0 % 300, session: $0,
                            time: 1_700_000_000_000_000_000 + number * 1_000_000_000)
                    })
            }
            try await browser.open(page.handler.address)
            try await page.expect("2,000 events, 5,000 kept", of: "count")
            #expect(try await browser.holds("return !document.getElementById('older').hidden"))
            let bottom = "const l = document.getElementById('list'); l.scrollTop = l.scrollHeight; return l.scrollTop"
            try await eventually("the oldest") {
                try await browser.evaluate(bottom)
                return try await page.rows().hasSuffix(" /1 /0")
            }
            try await page.expect("5,000 events", of: "count")
            #expect(try await browser.number(Self.nodes) < 3000)
            let rows = try await browser.number("return document.querySelectorAll('.list .row').length")
            #expect(rows < 100)
            // A reader who has scrolled down keeps the position.
            try await page.handler.post([HandlerClient.event(path: "/new")])
            try await page.expect("↑ 1 new", of: "newest")
            #expect(try await page.rows().hasSuffix(" /1 /0"))
            // A range in the address loads its events and the period before it, of the same length.
            try await browser.open("about:blank")
            try await browser.open(page.handler.address + "#range=1700000001000000-1700000002000000")
            try await browser.open("about:blank")
            try await browser.open(page.handler.address + "#range=1700000001000-1700000002000")
            try await page.expectRows("/1")
            try await browser.open("about:blank")
            try await browser.open(page.handler.address + "#q=path%3A%22%2F7%22&range=1700000000000-1700009000000")
            try await page.expectRows("/7")
        }
    }

    @Test("is dark or light as the system is or as told, and fits a phone")
    func appearance() async throws {
        try await LivePage.open { page in
            let browser = page.browser
            try await page.handler.post([
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
            try await browser.open("about:blank")
            try await browser.open(page.handler.address)
            #expect(try await browser.number(brightness) < 128)
            try await page.resize(isPhone: true)
            try await eventually("the row") {
                try await browser.number("return document.querySelectorAll('.list .row:not([hidden])').length") == 1
            }
            try await eventually("the figures") { try await page.text("p99").contains("8.88") }
            try await eventually("a page as wide as the phone") { try await page.overflow() == 0 }
            for tab in LivePage.tables {
                try await page.showTable(tab)
                try await eventually("\(tab) as wide as the phone") { try await page.overflow() == 0 }
            }
            try await browser.click("#tab-events")
            try await browser.evaluate("document.querySelector('.list .row').click()")
            for pane in ["event", "session"] {
                try await browser.click("#show-\(pane)")
                try await eventually("the \(pane) as wide as the phone") {
                    let width = try await browser.number("return document.getElementById('detail').clientWidth")
                    let tooWide = try await page.overflow()
                    return width == 360 && tooWide == 0
                }
            }
            try await browser.type("\u{E00C}?", into: "body")
            try await eventually("the help as wide as the phone") {
                let isWithin = try await browser.holds(
                    """
                    const help = document.getElementById('help'), box = help.getBoundingClientRect();
                    return help.open && box.left >= 0 && box.right <= 360 && help.scrollWidth <= help.clientWidth
                    """)
                let tooWide = try await page.overflow()
                return isWithin && tooWide == 0
            }
        }
    }

    @Test("moves nothing by itself where less motion is wished for")
    func reducedMotion() async throws {
        try await LivePage.open { page in
            try await page.handler.post([HandlerClient.event(path: "/1"), HandlerClient.event(path: "/2", status: 500)])
            try await page.expectRows("/2 /1")
            try await page.browser.type("j\u{E007}", into: "body")
            let moving = """
                return [...document.querySelectorAll('*')].filter(element => ['', '::before', '::after'].some(part => {
                    const style = getComputedStyle(element, part);
                    return style.scrollBehavior === 'smooth' || [style.transitionDuration, style.animationDuration]
                        .some(text => text.split(',').some(time => parseFloat(time) > 0));
                })).length
                """
            for (wish, isStill) in [("no-preference", false), ("reduce", true)] {
                try await page.browser.devTools(
                    "Emulation.setEmulatedMedia", ["features": [["name": "prefers-reduced-motion", "value": wish]]])
                #expect(try await (page.browser.number(moving) == 0) == isStill, "\(wish)")
            }
        }
    }
}
