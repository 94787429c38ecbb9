import Foundation
import TestSupport
import Testing

/// A browser that shows the live page of a running event handler.
struct LivePage {
    let handler: HandlerClient
    let browser: Browser

    /// Starts an event handler, opens its page, runs a test, and expects no messages on the browser's console.
    ///
    /// - Parameter endsServer: whether the test stops the event handler while the page is open, which the browser logs
    ///   to its console.
    static func open(
        _ arguments: String..., endsServer: Bool = false, test: (LivePage) async throws -> Void
    ) async throws {
        let handler = try await HandlerClient(
            RunningProgram("EventHandler", ["--port", "0", "--quiet"] + arguments))
        try await open(handler, endsServer: endsServer, test: test)
    }

    static func open(
        _ handler: HandlerClient, endsServer: Bool = false, test: (LivePage) async throws -> Void
    ) async throws {
        try await Browser.run { browser in
            let page = LivePage(handler: handler, browser: browser)
            try await page.resize(isPhone: false)
            try await browser.open(handler.address)
            try await page.expect("Live", of: "state-text")
            try await test(page)
            let said = try await browser.console()
            #expect(said.filter { !endsServer || !Self.isLostConnection($0) } == [])
        }
        try await handler.program.stop()
    }

    private static func isLostConnection(_ message: String) -> Bool {
        [
            "net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE",
            "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
        ].contains { message.contains($0) }
    }

    /// Waits until an element has this text.
    func expect(_ text: String, of identifier: String) async throws {
        try await eventually("\"\(text)\" in #\(identifier)") {
            try await browser.text("return document.getElementById('\(identifier)').textContent") == text
        }
    }

    func text(_ identifier: String) async throws -> String {
        try await browser.text("return document.getElementById('\(identifier)').textContent")
    }

    /// Waits until the visible rows have these paths, from top to bottom.
    func expectRows(_ paths: String) async throws {
        try await eventually("the rows \"\(paths)\"") { try await rows() == paths }
    }

    func rows() async throws -> String {
        try await browser.text(
            """
            return [...document.querySelectorAll('.list .row')].filter(row => !row.hidden)
                .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
                .map(row => row.querySelector('.path').textContent).join(' ')
            """)
    }

    /// The tabs that show a table.
    static let tables = [
        "views", "paths", "referrers", "browsers", "statuses", "entries", "sessions", "projects",
    ]

    /// Opens a tab, and waits until its table is shown.
    func showTable(_ tab: String) async throws {
        try await browser.click("#tab-\(tab)")
        try await eventually("the table of \(tab)") {
            let isDrawn = try await browser.text("return document.getElementById('table-head').dataset.tab") == tab
            let isEmpty = try await table().isEmpty
            return isDrawn && !isEmpty
        }
    }

    /// Resizes the window to that of a phone, 360 pixels wide, or to a desktop screen.
    func resize(isPhone: Bool) async throws {
        try await browser.devTools(
            "Emulation.setDeviceMetricsOverride",
            isPhone
                ? ["width": 360, "height": 700, "deviceScaleFactor": 2, "mobile": true]
                : ["width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": false])
    }

    /// Returns by how many pixels the page is wider than its window.
    func overflow() async throws -> Int {
        try await browser.number(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    }

    /// Types a search, and returns the focus to the page.
    func search(_ query: String) async throws {
        try await browser.type(query + "\u{E007}", into: "#q")
        try await browser.evaluate("document.activeElement.blur()")
    }

    /// Returns the texts of the shown table's cells, by row.
    func table() async throws -> [[String]] {
        let rows = try await browser.evaluate(
            """
            return [...document.querySelectorAll('#table-body tr')].filter(row => !row.hidden)
                .map(row => [...row.children].map(cell => cell.firstChild ? cell.firstChild.textContent : ''))
            """)
        return rows as? [[String]] ?? []
    }

    /// Sends events at a steady rate until the task ends.
    func feed(perSecond rate: Int) -> Task<Void, any Error> {
        Task {
            let clock = ContinuousClock()
            var due = clock.now
            var number = 0
            let batch = max(1, rate / 10)
            while !Task.isCancelled {
                let events = try (0..<batch).map { offset in
                    try HandlerClient.event(
                        path: "/fed/\(number + offset)", session: number + offset,
                        time: Int(Date().timeIntervalSince1970 * 1e9))
                }
                let answer = try await handler.post(events)
                guard answer.hasPrefix("HTTP/1.1 200 ") || Task.isCancelled else {
                    Issue.record("fed events were answered: \(answer)")
                    return
                }
                number += batch
                due += .milliseconds(1000 * batch / rate)
                try? await clock.sleep(until: due)
            }
        }
    }
}
