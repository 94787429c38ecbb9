import Testing

@testable import TrackerCore

@Suite("Retry-After")
struct RetryAfterTests {
    // 2026-10-21 07:27:00 UTC
    static let now: Int64 = 1_792_567_620 * 1_000_000_000

    @Test(
        "is read as seconds or as any form of date",
        arguments: [
            ("3", 3), (" 120 ", 120), ("0", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 60),
            ("Wednesday, 21-Oct-26 07:28:00 GMT", 60), ("Wed Oct 21 07:28:00 2026", 60),
            ("Wed, 21 Oct 2020 07:28:00 GMT", 0), ("99999999999999999999", 1 << 31),
        ] as [(String, Int64)])
    func readable(value: String, seconds: Int64) {
        #expect(RetryAfter.parse(value, now: Self.now) == .seconds(seconds))
    }

    @Test(
        "that can't be read counts as absent",
        arguments: [
            "abc", "1.5", "-5", "", "Wed, 41 Oct 2026 07:28:00 GMT", "Wed, 21 Foo 2026 07:28:00 GMT", "1 2 3 4 5 GMT",
            "Wed, 21 Oct 2026 7:99:00 GMT",
        ])
    func unreadable(value: String) {
        #expect(RetryAfter.parse(value, now: Self.now) == nil)
    }
}

@Suite("The wait before a retry")
struct RetryPolicyTests {
    private struct Highest: RandomNumberGenerator {
        mutating func next() -> UInt64 { .max }
    }

    @Test("is at most the doubled base, up to the cap", arguments: [(0, 1.0), (1, 2), (5, 32), (6, 60), (99, 60)])
    func upperBound(attempt: Int, seconds: Double) {
        var random = Highest()
        let delay = TrackerConfiguration.RetryPolicy().delay(attempt: attempt, retryAfter: nil, using: &random)
        #expect(abs(Double(delay) / 1e9 - seconds) < 0.001)
    }

    @Test("is spread over the whole range")
    func jitter() {
        var random = SystemRandomNumberGenerator()
        let delays = (0..<200).map { _ in
            TrackerConfiguration.RetryPolicy().delay(attempt: 6, retryAfter: nil, using: &random)
        }
        #expect(delays.contains { $0 < 20_000_000_000 } && delays.contains { $0 > 40_000_000_000 })
    }

    @Test("is never shorter than the server asked, up to its own cap")
    func retryAfter() {
        var random = SystemRandomNumberGenerator()
        let policy = TrackerConfiguration.RetryPolicy()
        #expect(policy.delay(attempt: 0, retryAfter: .seconds(7), using: &random) == 7_000_000_000)
        var highest = Highest()
        #expect(abs(Double(policy.delay(attempt: 6, retryAfter: .seconds(7), using: &highest)) / 1e9 - 60) < 0.001)
        #expect(policy.delay(attempt: 0, retryAfter: .seconds(90_000), using: &random) == 300_000_000_000)
    }
}

@Suite("An HTTP status")
struct HTTPAnswerTests {
    @Test(
        "decides what becomes of the event",
        arguments: [
            (200, "delivered"), (204, "delivered"), (301, "hold"), (302, "hold"), (308, "hold"), (400, "drop rejected"),
            (401, "hold"), (403, "hold"), (404, "hold"), (407, "hold"), (408, "retry"), (413, "drop rejected"),
            (415, "drop rejected"), (421, "retry"), (422, "drop rejected"), (425, "retry"), (429, "retry"),
            (500, "retry"), (503, "retry"), (599, "retry"),
        ])
    func decides(status: Int, expected: String) {
        let text =
            switch Self.answer("HTTP/1.1 \(status) Reason\r\n", "\r\n").outcome(now: 0).kind {
            case .delivered: "delivered"
            case .retry: "retry"
            case .unreachable: "unreachable"
            case .holdBack: "hold"
            case .drop(let reason, _): "drop \(reason.rawValue)"
            }
        #expect(text == expected)
    }

    private static func answer(_ lines: String...) -> HTTPAnswer {
        var answer = HTTPAnswer()
        for line in lines { Array(line.utf8).withUnsafeBytes { answer.read($0) } }
        return answer
    }

    @Test("is the last one's, without what came before it")
    func interim() {
        let answer = Self.answer(
            "HTTP/1.1 100 Continue\r\n", "Retry-After: 9\r\n", "\r\n", "HTTP/1.1 503 Busy\r\n", "retry-AFTER:  7 \r\n",
            "Accept-Post: application/x-ndjson\r\n", "Accept-Encoding: gzip\r\n", "\r\n")
        #expect(answer.status == 503 && answer.isComplete)
        #expect(answer.pause(now: 0) == .seconds(7))
        #expect(answer.acceptsLines && answer.acceptsGzip)
        #expect(answer.outcome(now: 0) == .retry(after: .seconds(7), because: "the backend answered 503"))
    }

    @Test(
        "is read from whatever comes",
        arguments: [
            ("HTTP/2 204\r\n", 204), ("HTTP/1.1 2x4 OK\r\n", 0), ("HTTP/1.1\r\n", 0), ("HTTP/1.1 99\r\n", 0),
            ("HTTP/", 0),
            ("200 OK\r\n", 0), ("", 0), ("HTTP/1.1 2004\r\n", 200),
        ])
    func hostile(line: String, status: Int) {
        let answer = Self.answer(line)
        #expect(answer.status == status && !answer.isComplete)
    }

    @Test(
        "offers batches if it lists their type",
        arguments: [
            ("application/x-ndjson", true), ("APPLICATION/X-NDJSON", true),
            (" text/plain ,\tapplication/x-ndjson ", true),
            ("application/x-ndjson;charset=utf-8", true), ("application/x-ndjson; q=0.1", true), (",,", false),
            ("application/x-ndjson; q=0", false), ("application/x-ndjson;Q=0.000", false), ("", false),
            ("application/x-ndjson-seq", false), ("application/json", false), ("application/x-ndjso", false),
        ])
    func batches(value: String, expected: Bool) {
        let answer = Self.answer("HTTP/1.1 200 OK\r\n", "Accept-Post: \(value)\r\n", "\r\n")
        #expect(answer.acceptsLines == expected)
    }

    @Test("that libcurl could not get means an outage, or a certificate that is not trusted")
    func noAnswer() {
        for code: Int32 in [6, 7, 28, 35, 52, 55, 56, 92] {
            #expect(HTTPAnswer.outcome(curlCode: code, reason: "x") == .unreachable(because: "x"))
        }
        for code: Int32 in [51, 60, 77] {
            guard case .holdBack = HTTPAnswer.outcome(curlCode: code, reason: "x").kind else {
                Issue.record("\(code)")
                continue
            }
        }
    }
}

@Suite("An HTTP date")
struct HTTPDateTests {
    @Test(
        "is written in the preferred form, and read back",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        ] as [(Int64, String)])
    func format(seconds: Int64, text: String) {
        #expect(HTTPDate.format(seconds) == text)
        #expect(HTTPDate.parse(text) == seconds)
    }
}
