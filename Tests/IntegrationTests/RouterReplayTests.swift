import Foundation
import TestSupport
import Testing

@Suite("The router demo, asked what the Python package's site was asked", .serialized)
struct RouterReplayTests {
    /// Requests that the original's own web server refused; this one may too.
    static let refused = ["q-raw-utf8", "path-raw-utf8", "hdr-control", "host-missing-11"]

    @Test("gives the recorded events")
    func replay() async throws {
        let setup = try await DemoSetup(settings: ["RA_PRIVACY": "none"])
        let records = try RecordedRequest.load("router")
        var expected: [RecordedRequest] = []
        for record in records {
            let client = try RawClient(port: setup.port)
            client.send(record.request)
            let isClosed = String(decoding: record.request, as: UTF8.self).contains("Connection: close")
            let answer = isClosed ? client.receiveAll() : client.receiveAnswer()
            if Self.refused.contains(record.id) {
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(record.id): \(answer.prefix(60))")
            } else {
                let status = record.id == "host-bad" ? 200 : record.status
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(record.id): \(answer.prefix(60))")
                expected.append(record)
            }
        }
        let events = try await setup.events(expected.count)
        #expect(events.count == expected.count)
        // One connection after the other; events arrive in the order of the requests, or nearly so.
        let byTime = events.sorted {
            ($0.data["time_request_received_ns"] as? Int ?? 0) < ($1.data["time_request_received_ns"] as? Int ?? 0)
        }
        for (record, event) in zip(expected, byTime) { try compare(record, event, port: setup.port) }
        try await setup.stop()
        #expect(setup.demo.errors.contains("captured \(expected.count), delivered \(expected.count)"))
    }

    private func compare(_ record: RecordedRequest, _ event: PrintedEvent, port: UInt16) throws {
        #expect(event.json["project_token"] as? String == "tok-1")
        #expect(event.json["event_type"] as? String == "page_view")
        #expect((event.json["ra_tracker_version"] as? String)?.hasPrefix("swift-v") == true)
        #expect(event.session.utf8.count == 32)
        #expect((event.data["time_request_received_ns"] as? Int ?? 0) > 0 && event.processing >= 0)
        guard let recorded = record.event else {
            // The host is malformed: the original's framework refused it, this package falls back to the server's name.
            #expect(record.id == "host-bad")
            #expect(event.url == "http://127.0.0.1:\(port)/")
            return
        }
        let original = try #require(
            (JSONSerialization.jsonObject(with: recorded) as? [String: Any])?["event_data"] as? [String: Any])
        #expect(event.data.keys.sorted() == original.keys.sorted())
        #expect(event.viewName == original["view_name"] as? String, "\(record.id)")
        #expect(event.data["header_data"] as? [String: String] == original["header_data"] as? [String: String])
        let target = record.head.target
        let differing = [
            "path-bad-utf8": "http://127.0.0.1:18801" + target,
            "path-encoded-specials": "http://127.0.0.1:18801" + target,
            "path-dots": "http://127.0.0.1:18801" + target, "q-bad-pct": "http://127.0.0.1:18801/?q=%E9%25zz%25&b=%C3",
            "xfp-https": "http://127.0.0.1:18801" + target,
        ]
        var url = differing[record.id] ?? original["full_url"] as? String ?? ""
        if record.id.hasPrefix("host-missing") { url = url.replacingOccurrences(of: "18801", with: "\(port)") }
        #expect(event.url == url, "\(record.id)")
        let response = original["response_data"] as? [String: Any] ?? [:]
        #expect(event.status == response["status_code"] as? Int)
        try compareCookies(event.response["cookies"], response["cookies"])
    }

    private func compareCookies(_ actual: Any?, _ recorded: Any?) throws {
        let actual = try #require(actual as? [String: [String: Any]])
        let recorded = try #require(recorded as? [String: [String: Any]])
        #expect(actual.keys.sorted() == recorded.filter { $0.key != "sessionid" }.keys.sorted())
        for (name, attributes) in actual {
            var mine = attributes
            var theirs = recorded[name] ?? [:]
            if name == "b" {
                // A minute from now.
                #expect((mine.removeValue(forKey: "expires") as? String)?.hasSuffix(" GMT") == true)
                theirs.removeValue(forKey: "expires")
            }
            #expect(NSDictionary(dictionary: mine) == NSDictionary(dictionary: theirs))
        }
    }
}
