import Foundation
import TestSupport
import Testing

@testable import TrackerCore

@Suite("An encoded event")
struct EventEncoderTests {
    static func encode(
        _ snapshot: RequestSnapshot, privacy: PrivacyPolicy = .none, status: Int = 200, cookies: [String] = [],
        viewName: String? = "home"
    ) -> [UInt8] {
        var encoder = EventEncoder(projectToken: "tok-1", privacy: privacy)
        return encoder.encode(
            TrackedRequest(
                RequestStart(
                    snapshot: snapshot, session: SessionIdentifier(high: 1, low: 2),
                    receivedAt: 1_795_469_067_833_959_742, startedAt: 1_000_000),
                status: status, responseCookies: cookies, viewName: viewName, finishedAt: 1_446_924))
    }

    static func eventData(_ bytes: [UInt8]) throws -> [String: Any] {
        let event = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        return try #require(event?["event_data"] as? [String: Any])
    }

    @Test("is the exact JSON of the wire format")
    func exactBytes() {
        let snapshot = RequestSnapshot(
            method: "GET", target: "/hello/bob/?a=1",
            headers: RequestHeaders([("Host", "h:1"), ("X-Q", "a\"b\\\n\u{1}")])
        )
        #expect(
            String(decoding: Self.encode(snapshot, viewName: nil), as: UTF8.self) == """
                {"project_token":"tok-1","event_type":"page_view",\
                "ra_tracker_version":"swift-v\(TrackerVersion.current)","event_data":{"view_name":null,\
                "header_data":{"HTTP_HOST":"h:1","HTTP_X_Q":"a\\"b\\\\\\n\\u0001"},\
                "full_url":"http://h:1/hello/bob/?a=1","ra_session_id":"00000000000000010000000000000002",\
                "time_request_received_ns":1795469067833959742,"processing_time_ns":446924,\
                "response_data":{"status_code":200,"cookies":{}}}}
                """)
    }

    @Test("without privacy equals what the Python package sent", arguments: try RecordedRequest.load("router"))
    func equalsRecorded(record: RecordedRequest) throws {
        guard let recorded = record.event else { return }
        let head = record.head
        let snapshot = RequestSnapshot(
            method: head.method, target: head.target, serverAuthority: "127.0.0.1:18801",
            headers: RequestHeaders(head.headers))
        let expectedEvent = try #require(JSONSerialization.jsonObject(with: recorded) as? [String: Any])
        let expected = try #require(expectedEvent["event_data"] as? [String: Any])
        let actual = try Self.eventData(Self.encode(snapshot))
        #expect(actual["header_data"] as? [String: String] == expected["header_data"] as? [String: String])
        // The documented differences: the target as sent, and untrusted forwarded headers.
        let urls = [
            "path-bad-utf8": "http://127.0.0.1:18801/any/%E9%FF",
            "path-encoded-specials": "http://127.0.0.1:18801" + head.target,
            "path-dots": "http://127.0.0.1:18801/any/a/./b/../c",
            "q-bad-pct": "http://127.0.0.1:18801/?q=%E9%25zz%25&b=%C3",
            "xfp-https": "http://127.0.0.1:18801/x?y=1",
        ]
        #expect(actual["full_url"] as? String == urls[record.id] ?? expected["full_url"] as? String)
    }

    @Test("joins a header that was sent twice with a comma, cookies with a semicolon")
    func repeatedHeader() throws {
        let snapshot = RequestSnapshot(
            method: "GET", target: "/",
            headers: RequestHeaders([("X-A", "1"), ("cookie", "a=1"), ("Host", "h"), ("x-a", "2"), ("Cookie", "b=2")]))
        let headers = try Self.eventData(Self.encode(snapshot))["header_data"] as? [String: String]
        #expect(headers == ["HTTP_X_A": "1,2", "HTTP_HOST": "h", "HTTP_COOKIE": "a=1; b=2"])
    }

    @Test("names content headers as its style does")
    func contentHeaders() throws {
        var snapshot = RequestSnapshot(
            method: "POST", target: "/", headers: RequestHeaders([("Content-Type", ""), ("content-length", "3")]))
        #expect(
            try Self.eventData(Self.encode(snapshot))["header_data"] as? [String: String]
                == ["CONTENT_TYPE": "", "CONTENT_LENGTH": "3"])
        snapshot.style = .cgi
        #expect(
            try Self.eventData(Self.encode(snapshot))["header_data"] as? [String: String]
                == ["HTTP_CONTENT_LENGTH": "3"])
    }

    @Test("gives the request's cookies in the CGI style")
    func requestCookies() throws {
        let snapshot = RequestSnapshot(
            method: "GET", target: "/",
            headers: RequestHeaders([("Cookie", ";; =nokey; noval; a b=c; ok=1;; x=; ,comma=1; ok=2")]), style: .cgi)
        let response = try Self.eventData(Self.encode(snapshot))["response_data"] as? [String: Any]
        #expect(
            response?["cookies"] as? [String: String] == ["noval": "", "a b": "c", "ok": "1", "x": "", ",comma": "1"])
    }

    @Test("gives all nine attributes of a response's cookies in the router style")
    func responseCookies() throws {
        let snapshot = RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([]))
        let bytes = Self.encode(
            snapshot,
            cookies: [
                "a=1; Path=/",
                "b=2; expires=Mon, 23 Nov 2026 21:25:28 GMT; Max-Age=60; Domain=ex.com; Path=/x; Secure; HttpOnly; "
                    + "SameSite=Lax",
                "c=3; Max-Age=soon", "not a cookie",
            ])
        let response = try Self.eventData(bytes)["response_data"] as? [String: Any]
        let cookies = try #require(response?["cookies"] as? [String: [String: Any]])
        #expect(cookies.keys.sorted() == ["a", "b", "c"])
        #expect(cookies["a"]?.count == 9)
        #expect(cookies["a"]?["secure"] as? String == "")
        #expect(cookies["b"]?["secure"] as? Bool == true)
        #expect(cookies["b"]?["httponly"] as? Bool == true)
        #expect(cookies["b"]?["max-age"] as? Int == 60)
        #expect(cookies["b"]?["expires"] as? String == "Mon, 23 Nov 2026 21:25:28 GMT")
        #expect(cookies["b"]?["samesite"] as? String == "Lax")
        #expect(cookies["c"]?["max-age"] as? String == "")
    }

    @Test(
        "is valid JSON whatever the request holds",
        arguments: [
            "\u{0}", "\u{1F600}", "\u{2028}", "\"", "\\", "\u{7F}\u{80}", "{\"a\":1}",
            String(repeating: "\\\"", count: 999),
        ])
    func hostileValues(text: String) throws {
        let snapshot = RequestSnapshot(
            method: text, target: text, host: text, serverAuthority: text,
            headers: RequestHeaders([("X-" + text, text), ("Cookie", "a=\(text)"), ("Referer", text)]), style: .cgi)
        for privacy in PrivacyMode.allCases.map(PrivacyPolicy.init) {
            let data = try Self.eventData(Self.encode(snapshot, privacy: privacy, viewName: text))
            #expect(data["view_name"] as? String == String(decoding: text.utf8.prefix(1024), as: UTF8.self))
        }
    }

    @Test("escapes a character wherever it stands in a text of any length", arguments: 0..<50)
    func escapes(length: Int) throws {
        for place in 0..<length {
            for character in ["\"", "\\", "\n", "\u{1F}", "\u{7F}", "é"] {
                let text =
                    String(repeating: "a", count: place) + character + String(repeating: "b", count: length - place - 1)
                var writer = JSONWriter(capacity: 64)
                writer.string(text)
                let value = try JSONSerialization.jsonObject(with: Data(writer.bytes), options: .fragmentsAllowed)
                #expect(value as? String == text)
            }
        }
    }

    @Test("has the right names however many different ones there were before")
    func manyNames() throws {
        var encoder = EventEncoder(projectToken: "t", privacy: .standard)
        for round in 0..<100 {
            let fields = (0..<60).map { (name: "X-Name-\(round % 40)-\($0)", value: "\(round).\($0)") }
            let snapshot = RequestSnapshot(
                method: "GET", target: "/", headers: RequestHeaders(fields + [("x-name-\(round % 40)-7", "again")]),
                style: round % 3 == 0 ? .cgi : .router)
            let bytes = encoder.encode(.sample(snapshot))
            let headers = try #require(try Self.eventData(bytes)["header_data"] as? [String: String])
            #expect(headers.count == 60)
            #expect(headers["HTTP_X_NAME_\(round % 40)_59"] == "\(round).59")
            #expect(headers["HTTP_X_NAME_\(round % 40)_7"] == "\(round).7,again")
        }
    }

    @Test("distinguishes names that differ only in the middle")
    func similarNames() throws {
        let names = ["X-Beginning-One-And-The-End", "X-Beginning-Two-And-The-End", "X-BEGINNING-TWO-AND-THE-END"]
        let snapshot = RequestSnapshot(
            method: "GET", target: "/", headers: RequestHeaders(names.enumerated().map { ($1, "\($0)") }))
        #expect(
            try Self.eventData(Self.encode(snapshot))["header_data"] as? [String: String]
                == ["HTTP_X_BEGINNING_ONE_AND_THE_END": "0", "HTTP_X_BEGINNING_TWO_AND_THE_END": "1,2"])
    }
}
