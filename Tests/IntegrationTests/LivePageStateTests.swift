import Foundation
import TestSupport
import Testing

@Suite(
    "The live page says", .serialized,
    .enabled(
        if: Tool.areWanted("chromium", "chromedriver"),
        "needs chromium and chromedriver; REQUIRE_REAL_SERVERS=1 insists on them"))
struct LivePageStateTests {
    @Test("how to send the first event, with commands that work")
    func nothingYet() async throws {
        try await LivePage.open { page in
            try await page.expect("Waiting for the first event", of: "empty-title")
            let shown = try await page.browser.evaluate(
                "return [...document.querySelectorAll('#commands code')].map(code => code.textContent)")
            let commands = try #require(shown as? [String])
            #expect(commands.count == 3)
            let settings =
                "RA_PROJECT_ID=demo RA_PROJECT_TOKEN=t RA_BACKEND_ENDPOINT=\(page.handler.address.dropLast()) "
            #expect(commands[0] == settings + "swift run DemoRouterApp")
            #expect(commands[1] == settings + "swift run YourApp")
            guard Tool.areWanted("curl") else { return }
            let curl = try RunningProgram("/bin/sh", ["-c", commands[2]])
            #expect(try await curl.end() == 0)
            try await page.expectRows("/hello")
            // The page renders its rows before it hides the hint.
            try await eventually("the end of the hint") {
                try await page.browser.holds("return document.getElementById('empty').hidden")
            }
        }
    }

    @Test("refuses more than its limit of viewers, and accepts new ones once there is room")
    func tooMany() async throws {
        let handler = try await HandlerClient()
        try await Browser.run { browser in
            var viewers = try (0..<64).map { _ in try RawClient(port: handler.port) }
            for viewer in viewers {
                viewer.send("GET /_live HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = viewer.receive(until: "event: hello")
            }
            try await browser.open(handler.address)
            let page = LivePage(handler: handler, browser: browser)
            try await eventually("the reason") {
                try await page.text("state-text")
                    == "Too many viewers: 503 Service Unavailable: 64 pages are already watching; close one of them"
            }
            viewers.removeAll()
            try await page.expect("Live", of: "state-text")
        }
        try await handler.program.stop()
    }

    @Test("why it is refused")
    func refused() async throws {
        let first = try await HandlerClient("--allow-host", "shop.example")
        try await Browser.run(arguments: ["--host-resolver-rules=MAP shop.example 127.0.0.1"]) { browser in
            try await browser.open("http://shop.example:\(first.port)/")
            let page = LivePage(handler: first, browser: browser)
            try await page.expect("Live", of: "state-text")
            try await first.program.stop()
            let second = try await HandlerClient(port: first.port)
            try await eventually("the reason") {
                try await page.text("state-text").hasPrefix(
                    "Refused: Host \"shop.example:\(first.port)\" is not allowed; to allow a name, start the event handler with"
                )
            }
            try await second.program.stop()
        }
    }

    @Test("since when the event handler is gone, and that events were refused or not stored")
    func troubles() async throws {
        let folder = try TemporaryFolder()
        let inner = folder.path + "/inner"
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        try await LivePage.open(
            "--project-token", "right", "--store", inner + "/events", endsServer: true
        ) { page in
            try await page.handler.post([HandlerClient.event(token: "wrong")])
            try await page.expect("1 requests came with a wrong project token", of: "notes-text")
            try await page.handler.post(["nonsense"])
            try await eventually("the other reason") {
                try await page.text("notes-text").contains("1 requests were refused, the last one: not JSON")
            }
            // Without its folder the file can't be recreated.
            try FileManager.default.removeItem(atPath: inner)
            try await eventually("the store's trouble") {
                try await page.text("notes-text").contains(
                    "\(inner)/events was removed and can't be recreated: open: No such file")
            }
            #expect(
                try await page.handler.post([HandlerClient.event(path: "/on", token: "right")]).hasPrefix(
                    "HTTP/1.1 200 "))
            try await page.expectRows("/on")
            try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
            try await eventually("no trouble") { try await !page.text("notes-text").contains("was removed") }
            try await eventually("the events in the store") {
                try String(contentsOfFile: inner + "/events", encoding: .utf8).contains("http://h/on")
            }
            try await page.handler.program.stop()
            try await eventually("the loss") {
                try await page.text("state-text").range(
                    of: #"^The event handler is gone since \d\d:\d\d:\d\d \(.*\); trying again$"#,
                    options: .regularExpression)
                    != nil
            }
        }
    }

    @Test(
        "that the disk is full and when it has room again, while receiving goes on",
        .enabled(if: Mounting.isAllowed, "needs the right to mount a file system"))
    func fullDisk() async throws {
        let folder = try TemporaryFolder()
        let store = folder.path + "/events"
        let program = try RunningProgram.path(of: "EventHandler")
        // 64 KiB, most of it taken by another file.
        let script =
            "mount -t tmpfs -o size=64k none '\(folder.path)' && head -c 40k /dev/zero > '\(folder.path)/other' && "
            + "exec '\(program)' --port 0 --quiet --store '\(store)'"
        let unshare = try #require(Tool.find("unshare"))
        let handler = try await HandlerClient(RunningProgram(unshare, ["--mount", "sh", "-c", script]))
        // The mount exists only in the program's namespace, so access it through that.
        let inside = "/proc/\(handler.program.identifier)/root"
        try await LivePage.open(handler) { page in
            for number in 0..<100 {
                let answer = try await handler.post([HandlerClient.event(path: "/\(number)")])
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
            }
            try await page.expect("can't write to \(store): pwrite: No space left on device", of: "notes-text")
            try await handler.post([HandlerClient.event(path: "/on")])
            try await eventually("the event") { try await page.rows().hasPrefix("/on /99 /98 ") }
            #expect(try await handler.events("?limit=1000").count == 101)
            try FileManager.default.removeItem(atPath: "\(inside)\(folder.path)/other")
            try await eventually("no trouble") { try await page.text("notes-text").isEmpty }
            try await eventually("all events in the store, in order") {
                let lines = try String(contentsOfFile: inside + store, encoding: .utf8).split(separator: "\n")
                    .dropFirst()
                let wanted = (0..<100).map { "http://h/\($0)\"" } + ["http://h/on\""]
                return lines.count == 101 && zip(lines, wanted).allSatisfy { $0.contains($1) }
            }
            #expect(handler.program.errors.contains("EventHandler writes to \(store) again"))
        }
    }
}

@Suite(
    "The live page, by axe-core", .serialized,
    .enabled(
        if: Tool.areWanted("chromium", "chromedriver") && (Tool.axe != nil || Tool.areRequired),
        "needs chromium, chromedriver and axe-core, which scripts/check-tools gets; REQUIRE_REAL_SERVERS=1 insists on them"
    ))
struct LivePageAccessTests {
    /// Returns the accessibility faults that axe finds in the page's current state.
    private func faults(_ page: LivePage) async throws -> [String] {
        let found = try await page.browser.evaluateAsync(
            """
            const result = await axe.run(document, { resultTypes: ['violations'] });
            return result.violations.map(fault => fault.id + ': ' + fault.help + ' ' +
                fault.nodes.map(node => node.target.join(' ') + ' ' + node.failureSummary).join('; '));
            """)
        return found as? [String] ?? ["no answer"]
    }

    @Test(
        "has no faults: empty, with events, each table, an open event, its story, the help; light and dark, wide and 360 px",
        arguments: ["light", "dark"])
    func axe(scheme: String) async throws {
        let script = try String(contentsOfFile: try #require(Tool.axe), encoding: .utf8)
        try await LivePage.open { page in
            let browser = page.browser
            try await browser.devTools(
                "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": scheme]]])
            try await browser.evaluate(script + "; return 1")
            #expect(try await faults(page) == [])
            let statuses = [200, 201, 302, 404, 500, 103]
            try await page.handler.post(
                (0..<60).map {
                    try HandlerClient.event(
                        path: "/\($0)", view: $0 % 7 == 0 ? nil : "view\($0 % 5)", status: statuses[$0 % 6],
                        session: $0 % 9,
                        milliseconds: $0 % 10 == 0 ? 2000 : 3, weight: $0 % 2 + 1, referrer: "https://news.example/")
                })
            try await page.handler.post(["nonsense"])
            try await page.expect("60 events", of: "count")
            try await eventually("the note") { try await !page.text("notes-text").isEmpty }
            #expect(try await faults(page) == [])
            for tab in LivePage.tables {
                try await page.showTable(tab)
                #expect(try await faults(page) == [], "\(tab)")
            }
            try await page.resize(isPhone: true)
            for tab in LivePage.tables {
                try await page.showTable(tab)
                #expect(try await faults(page) == [], "\(tab) on a phone")
            }
            try await page.resize(isPhone: false)
            try await browser.type("jj\u{E007}", into: "body")
            try await eventually("the event") { try await !page.text("json").isEmpty }
            #expect(try await faults(page) == [], "an event")
            try await browser.type("s", into: "body")
            #expect(try await faults(page) == [], "a session")
            try await page.resize(isPhone: true)
            #expect(try await faults(page) == [], "a session on a phone")
            try await page.resize(isPhone: false)
            try await browser.type("st", into: "#q")
            #expect(try await faults(page) == [], "completion")
            try await browser.evaluate("document.activeElement.blur()")
            try await browser.type("?", into: "body")
            #expect(try await faults(page) == [], "the help")
        }
    }

    @Test(
        "has controls whose borders have a contrast of 3, and can all be reached by the keyboard",
        arguments: ["light", "dark"])
    func controls(scheme: String) async throws {
        try await LivePage.open { page in
            let browser = page.browser
            try await browser.devTools(
                "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": scheme]]])
            let least = try await browser.evaluate(
                """
                const light = text => {
                    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
                        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                };
                const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
                const ground = getComputedStyle(document.body).backgroundColor;
                const card = getComputedStyle(document.querySelector('.card')).backgroundColor;
                const borders = [...document.querySelectorAll('#q, .actions button, .actions summary, .ranges button')]
                    .map(control => getComputedStyle(control).borderTopColor);
                const marks = [...document.querySelectorAll('#timeline-chart .ok, #timeline-chart .s4, #timeline-chart .s5')]
                    .map(mark => getComputedStyle(mark).fill);
                return Math.min(...borders.map(border => contrast(border, ground)), ...marks.map(mark => contrast(mark, card)));
                """)
            #expect((least as? NSNumber)?.doubleValue ?? 0 >= 3)
            // The controls are reached in page order, and each shows that it has the focus.
            var reached: [String] = []
            for _ in 0..<22 {
                try await browser.type("\u{E004}", into: "body")
                reached.append(
                    try await browser.text(
                        """
                        const { activeElement } = document, style = getComputedStyle(activeElement);
                        return (activeElement.id || activeElement.dataset.range || activeElement.tagName) +
                            (style.outlineStyle === 'none' ? ' without outline' : '')
                        """))
            }
            let order = ["pause", "clear", "theme", "help-open", "q", "timeline-chart", "tab-events", "list"]
            let places = order.compactMap { reached.firstIndex(of: $0) }
            #expect(places.count == order.count && places == places.sorted(), "\(reached)")
        }
    }
}
