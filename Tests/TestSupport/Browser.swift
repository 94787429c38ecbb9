import Foundation

/// A headless Chromium that a test drives over WebDriver.
package final class Browser: Sendable {
    /// An error of the driver, or of a script in the page.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let driver: RunningProgram
    private let base: String

    private init(driver: RunningProgram, base: String) {
        self.driver = driver
        self.base = base
    }

    /// Runs a test with its own browser, and closes the browser in any case.
    ///
    /// - Parameter arguments: additional arguments of the browser.
    package static func run(
        arguments: [String] = [], _ test: (Browser) async throws -> Void
    ) async throws {
        guard let program = Tool.find("chromedriver") else { throw Failure(description: "chromedriver is missing") }
        let (driver, port) = try await start(program)
        let server = "http://127.0.0.1:\(port)/session"
        let options: [String: Any] = [
            "goog:loggingPrefs": ["browser": "ALL"],
            "goog:chromeOptions": [
                // The sandbox does not work for root, nor in most containers.
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] + arguments
            ],
        ]
        let session = try await call(server, "POST", ["capabilities": ["alwaysMatch": options]])
        guard let identifier = (session as? [String: Any])?["sessionId"] as? String else {
            throw Failure(description: "no session: \(session)")
        }
        let browser = Browser(driver: driver, base: "\(server)/\(identifier)")
        do {
            try await test(browser)
        } catch {
            _ = try? await call(browser.base, "DELETE", nil)
            throw error
        }
        // Deleting the session ends the browser; the driver, now idle, is killed with its object.
        _ = try await call(browser.base, "DELETE", nil)
    }

    /// Starts the driver, with retries: chromedriver picks a free IPv4 port, and exits if that port is taken for IPv6.
    private static func start(_ program: String) async throws -> (RunningProgram, port: Substring) {
        let announcement = "started successfully on port "
        var said = ""
        for _ in 0..<10 {
            let driver = try RunningProgram(program, ["--port=0"])
            try await eventually("chromedriver to listen") {
                driver.hasEnded || driver.output.contains(announcement)
            }
            if driver.output.contains(announcement) {
                return (driver, driver.output.components(separatedBy: announcement)[1].prefix { $0.isNumber })
            }
            said = driver.output + driver.errors
        }
        throw Failure(description: "chromedriver does not start: \(said)")
    }

    package func open(_ address: String) async throws {
        _ = try await call("/url", ["url": address])
    }

    /// Runs JavaScript in the page and returns its result.
    @discardableResult
    package func evaluate(_ script: String) async throws -> Any {
        try await call("/execute/sync", ["script": script, "args": [String]()])
    }

    /// Runs JavaScript that may `await`, and returns its result.
    @discardableResult
    package func evaluateAsync(_ script: String) async throws -> Any {
        let wrapped = """
            const done = arguments[arguments.length - 1];
            (async () => { \(script) })().then(done, error => done({ failed: String(error) }));
            """
        let value = try await call("/execute/async", ["script": wrapped, "args": [String]()])
        if let failure = (value as? [String: Any])?["failed"] as? String { throw Failure(description: failure) }
        return value
    }

    /// Moves the mouse without pressing a button.
    package func hover(x: Int, y: Int) async throws {
        try await pointer("mouse", [["type": "pointerMove", "duration": 0, "x": x, "y": y, "origin": "viewport"]])
    }

    /// Moves to a point of the page and presses there for the given time, as a person does.
    ///
    /// - Parameter kind: `mouse` or `touch`.
    package func press(x: Int, y: Int, milliseconds: Int, kind: String = "mouse") async throws {
        try await pointer(
            kind,
            [
                ["type": "pointerMove", "duration": 0, "x": x, "y": y, "origin": "viewport"],
                ["type": "pointerDown", "button": 0], ["type": "pause", "duration": milliseconds],
                ["type": "pointerUp", "button": 0],
            ])
    }

    /// Presses at one point, moves to another, and releases there.
    package func drag(fromX: Int, toX: Int, y: Int) async throws {
        try await pointer(
            "mouse",
            [
                ["type": "pointerMove", "duration": 0, "x": fromX, "y": y, "origin": "viewport"],
                ["type": "pointerDown", "button": 0],
                ["type": "pointerMove", "duration": 100, "x": toX, "y": y, "origin": "viewport"],
                ["type": "pointerUp", "button": 0],
            ])
    }

    private func pointer(_ kind: String, _ steps: [[String: Any]]) async throws {
        let source: [String: Any] = [
            "type": "pointer", "id": kind, "parameters": ["pointerType": kind], "actions": steps,
        ]
        _ = try await call("/actions", ["actions": [source]])
    }

    package func text(_ script: String) async throws -> String { try await evaluate(script) as? String ?? "" }

    package func number(_ script: String) async throws -> Int {
        (try await evaluate(script) as? NSNumber)?.intValue ?? -1
    }

    package func holds(_ script: String) async throws -> Bool { try await evaluate(script) as? Bool ?? false }

    /// Types into an element; clears it first if it is a field.
    package func type(_ text: String, into selector: String) async throws {
        let element = try await find(selector)
        if selector != "body", try await holds("return document.querySelector('\(selector)').matches('input')") {
            _ = try await call("/element/\(element)/clear", [:])
        }
        if !text.isEmpty { _ = try await call("/element/\(element)/value", ["text": text]) }
    }

    package func click(_ selector: String) async throws {
        _ = try await call("/element/\(try await find(selector))/click", [:])
    }

    /// Sends a command of the Chrome DevTools protocol.
    package func devTools(_ command: String, _ parameters: [String: Any]) async throws {
        _ = try await call("/goog/cdp/execute", ["cmd": command, "params": parameters])
    }

    /// Returns the console messages since the last call, load errors and policy violations included.
    package func console() async throws -> [String] {
        let entries = try await call("/se/log", ["type": "browser"]) as? [[String: Any]] ?? []
        return entries.map { "\($0["level"] ?? ""): \($0["message"] ?? "")" }
    }

    private func find(_ selector: String) async throws -> String {
        let found = try await call("/element", ["using": "css selector", "value": selector]) as? [String: String]
        guard let element = found?.values.first else { throw Failure(description: "no \(selector)") }
        return element
    }

    private func call(_ path: String, _ body: [String: Any]) async throws -> Any {
        try await Self.call(base + path, "POST", body)
    }

    private static func call(_ address: String, _ method: String, _ body: [String: Any]?) async throws -> Any {
        let parts = address.split(separator: "/", maxSplits: 2)
        guard parts.count == 3, let port = UInt16(parts[1].drop { $0 != ":" }.dropFirst()) else {
            throw Failure(description: "no address: \(address)")
        }
        let data = try body.map { try JSONSerialization.data(withJSONObject: $0) } ?? Data()
        let head = [
            "\(method) /\(parts[2]) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Content-Type: application/json",
            "Connection: close", "Content-Length: \(data.count)",
        ]
        let message = Data((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + data
        // On its own thread: a command may take long, and other tests must run meanwhile.
        let answer: String = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let client = try RawClient(port: port, timeout: TestTimeout.standard)
                        client.send(message)
                        return client.receiveAnswer()
                    })
            }
        }
        let text = answer.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n")
        guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw Failure(description: "no answer to \(method) \(address): \(answer.prefix(300))")
        }
        let value = object["value"] ?? NSNull()
        if let failure = value as? [String: Any], let name = failure["error"] as? String {
            throw Failure(description: "\(name): \(failure["message"] ?? "")")
        }
        return value
    }
}
