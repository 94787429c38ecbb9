import Foundation
import TestSupport
import Testing

@Suite(
    "What is pressed on the live page", .serialized,
    .enabled(
        if: Tool.areWanted("chromium", "chromedriver"),
        "needs chromium and chromedriver; REQUIRE_REAL_SERVERS=1 insists on them"))
struct LivePagePressTests {
    /// Records the event of the row under the pointer on pointer down.
    private static let watch = """
        document.addEventListener('pointerdown', event => {
            const row = event.target.closest('.list .row');
            window.aimed = row && row.event;
            window.aimedPath = row && row.querySelector('.path').textContent;
        }, true);
        return 1
        """
    private static let isOpened = """
        const { opened } = livePage.detail, title = document.querySelector('#detail-title .path');
        return Boolean(window.aimed) && opened.event === window.aimed && !document.getElementById('detail').hidden &&
            title.textContent === window.aimedPath && title.textContent === window.aimed.path
        """
    private static let newest = "return livePage.model.all.length ? livePage.model.all.at(-1).n : -1"

    private func fill(_ page: LivePage, rate: Int) async throws -> Task<Void, any Error> {
        try await page.handler.post((0..<60).map { try HandlerClient.event(path: "/first/\($0)", session: $0) })
        try await eventually("the rows") { try await page.browser.number(Self.newest) >= 59 }
        try await page.browser.evaluate(Self.watch)
        return page.feed(perSecond: rate)
    }

    /// Releases the list, and waits until new events appear in it.
    private func release(_ page: LivePage) async throws {
        // Keys continue from the last selection. If that was the last visible row, the list has scrolled, which
        // holds it too.
        try await page.browser.evaluate(
            "livePage.detail.close(); document.activeElement.blur(); window.aimed = null; "
                + "document.getElementById('list').scrollTop = 0")
        try await page.browser.hover(x: 700, y: 20)
        let before = try await page.browser.number(Self.newest)
        do {
            try await eventually("new events in the list") {
                // Opening a detail may still focus the list, which holds it.
                try await page.browser.evaluate("document.activeElement.blur()")
                return try await page.browser.number("return livePage.list.events().at(-1).n") > before
            }
        } catch {
            let state = try await page.browser.text(
                """
                const list = document.getElementById('list'), { model } = livePage;
                return JSON.stringify({ state: document.getElementById('state-text').textContent, paused: model.paused,
                    newest: model.all.at(-1).n, shown: model.shown.at(-1).n, listed: livePage.list.events().at(-1).n,
                    hovered: list.matches(':hover'), focused: list.matches(':focus'), top: list.scrollTop,
                    hidden: document.getElementById('events').hidden, active: document.activeElement.id })
                """)
            Issue.record("held since \(before): \(state)")
            throw error
        }
    }

    @Test("opens, each of ten presses of 50, 100 and 200 ms", arguments: [2, 20, 500])
    func mouse(rate: Int) async throws {
        try await LivePage.open { page in
            let feed = try await fill(page, rate: rate)
            for milliseconds in [50, 100, 200] {
                var opened = 0
                for press in 0..<10 {
                    try await release(page)
                    try await page.browser.press(x: 300, y: 360 + 36 * press, milliseconds: milliseconds)
                    if try await page.browser.holds(Self.isOpened) { opened += 1 }
                }
                #expect(opened == 10, "\(milliseconds) ms at \(rate) events/s")
            }
            feed.cancel()
            _ = try? await feed.value
        }
    }

    @Test("opens under a finger", arguments: [20, 500])
    func touch(rate: Int) async throws {
        try await LivePage.open { page in
            let feed = try await fill(page, rate: rate)
            var opened = 0
            for press in 0..<10 {
                try await release(page)
                try await page.browser.press(x: 300, y: 360 + 36 * press, milliseconds: 100, kind: "touch")
                if try await page.browser.holds(Self.isOpened) { opened += 1 }
            }
            #expect(opened == 10)
            feed.cancel()
            _ = try? await feed.value
        }
    }

    @Test("opens with j j Enter, from wherever the focus is", arguments: [20, 500])
    func keys(rate: Int) async throws {
        try await LivePage.open { page in
            let feed = try await fill(page, rate: rate)
            for _ in 0..<5 {
                try await release(page)
                try await page.browser.type("jj\u{E007}", into: "body")
                try await eventually("the event") {
                    try await page.browser.holds(
                        """
                        const { opened } = livePage.detail, row = document.querySelector('.row[aria-selected="true"]');
                        return Boolean(opened.event) && row && row.event === opened.event
                        """)
                }
                #expect(try await page.browser.text("return document.activeElement.id") == "list")
            }
            feed.cancel()
            _ = try? await feed.value
        }
    }

    @Test("stays where it is while the pointer is in the list; new events wait behind a button")
    func holdsStill() async throws {
        try await LivePage.open { page in
            try await page.handler.post((0..<60).map { try HandlerClient.event(path: "/\($0)") })
            try await page.expect("60 events", of: "count")
            try await page.browser.hover(x: 300, y: 400)
            let before = try await page.rows()
            try await page.handler.post((0..<12).map { try HandlerClient.event(path: "/new\($0)") })
            try await page.expect("↑ 12 new", of: "newest")
            #expect(try await page.rows() == before)
            try await page.browser.hover(x: 700, y: 20)
            try await eventually("the new ones") { try await page.rows().hasPrefix("/new11 /new10 ") }
            #expect(try await page.browser.holds("return document.getElementById('newest').hidden"))
            // Keyboard focus holds the list too, and the button releases it.
            try await page.browser.type("jj", into: "body")
            let held = try await page.rows()
            try await page.handler.post([HandlerClient.event(path: "/later")])
            try await page.expect("↑ 1 new", of: "newest")
            #expect(try await page.rows() == held)
            try await page.browser.click("#newest")
            try await eventually("the newest") { try await page.rows().hasPrefix("/later /new11 ") }
        }
    }
}
