import Foundation
import TestSupport
import Testing

/// A browser with the live page of a running event handler, and what tests ask of it.
struct LivePage {
    let handler: HandlerClient
    let browser: Browser

    /// Opens the page, and expects nothing on the browser's console in the end.
    static func open(
        _ arguments: String..., test: (LivePage) async throws -> Void
    ) async throws {
        let handler = try await HandlerClient(
            RunningProgram("EventHandler", ["--port", "0", "--quiet"] + arguments))
        try await Browser.run { browser in
            try await browser.devTools(
                "Emulation.setDeviceMetricsOverride",
                ["width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": false])
            try await browser.open(handler.address)
            let page = LivePage(handler: handler, browser: browser)
            try await page.expect("Live", of: "state-text")
            try await test(page)
            #expect(try await browser.console() == [])
        }
        try await handler.program.stop()
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

    /// Waits until the rows that can be seen have these paths, from top to bottom.
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

    /// Types a search, and goes back to the page.
    func search(_ query: String) async throws {
        try await browser.type(query + "\u{E007}", into: "#q")
        try await browser.evaluate("document.activeElement.blur()")
    }

    /// Rows of the table that is shown: each its cells' texts.
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
                try await handler.post(events)
                number += batch
                due += .milliseconds(1000 * batch / rate)
                try? await clock.sleep(until: due)
            }
        }
    }
}
