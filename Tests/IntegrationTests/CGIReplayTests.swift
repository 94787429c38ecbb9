import Foundation
import TestSupport
import Testing

@Suite("The CGI demo's own HTTP front, asked what the Python package's site was asked", .serialized)
struct CGIReplayTests {
    @Test("gives the recorded events")
    func replay() async throws {
        let setup = try await DemoSetup(program: "DemoCGIApp", settings: ["RA_PRIVACY": "none"])
        let replay = CGIReplay(port: setup.port)
        let expected = try replay.send()
        let events = try await setup.events(expected.count)
        try replay.compare(expected, events)
        try await setup.stop()
        #expect(setup.demo.errors.contains("captured \(expected.count), delivered \(expected.count)"))
    }
}

/// Replays the requests recorded with the Flask extension against a site, and compares the events.
struct CGIReplay {
    let port: UInt16
    /// The web server's own name, for requests without a usable `Host`.
    var serverName = "127.0.0.1"
    /// Requests that the web server answers with 400 itself: neither the original nor this package sends an event.
    var refused: Set<String> = ["q-raw-utf8", "path-raw-utf8", "hdr-control", "host-missing-11"]
    /// Requests that only the original's web server refused, and the `full_url` of each.
    var accepted: [String: String] = [:]
    /// Applies the web server's own changes to a request's headers.
    var adjustHeaders: (_ id: String, _ headers: inout [String: String]) -> Void = { _, _ in }

    /// Sends all requests, one after the other.
    ///
    /// - Returns: those that must have an event.
    func send() throws -> [RecordedRequest] {
        var expected: [RecordedRequest] = []
        for record in try RecordedRequest.load("cgi") {
            let client = try RawClient(port: port)
            client.send(record.request)
            let isClosed = String(decoding: record.request, as: UTF8.self).contains("Connection: close")
            let answer = isClosed ? client.receiveAll() : client.receiveAnswer()
            if refused.contains(record.id) {
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(record.id): \(answer.prefix(60))")
            } else {
                let status = accepted[record.id] == nil ? record.status : 200
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(record.id): \(answer.prefix(60))")
                expected.append(record)
            }
        }
        return expected
    }

    func compare(_ expected: [RecordedRequest], _ events: [PrintedEvent]) throws {
        #expect(events.count == expected.count)
        let byTime = events.sorted {
            ($0.data["time_request_received_ns"] as? Int ?? 0) < ($1.data["time_request_received_ns"] as? Int ?? 0)
        }
        for (record, event) in zip(expected, byTime) { try compare(record, event) }
    }

    private func compare(_ record: RecordedRequest, _ event: PrintedEvent) throws {
        let id = record.id
        #expect(event.json["project_token"] as? String == "tok-1")
        #expect(event.json["event_type"] as? String == "page_view")
        #expect((event.json["ra_tracker_version"] as? String)?.hasPrefix("swift-v") == true)
        #expect(event.session.utf8.count == 32)
        #expect((event.data["time_request_received_ns"] as? Int ?? 0) > 0 && event.processing >= 0)
        if let url = accepted[id] {
            #expect(event.url == url && event.status == 200)
            return
        }
        let recorded = try #require(record.event)
        let original = try #require(
            (JSONSerialization.jsonObject(with: recorded) as? [String: Any])?["event_data"] as? [String: Any])
        #expect(event.data.keys.sorted() == original.keys.sorted())
        #expect(event.viewName == original["view_name"] as? String, "\(id)")
        var headers = original["header_data"] as? [String: String] ?? [:]
        // UTF-8 bytes are decoded as such; the original decodes everything as Latin-1.
        if id == "cookies-latin1" { headers["HTTP_COOKIE"] = "u=caf\u{E9}; v=\u{C3}\u{A9}" }
        adjustHeaders(id, &headers)
        #expect(event.data["header_data"] as? [String: String] == headers, "\(id)")
        var url = Self.differing(record) ?? original["full_url"] as? String ?? ""
        if ["host-bad", "host-missing-10", "host-missing-11"].contains(id) { url = "http://\(serverName):\(port)/" }
        #expect(event.url == url, "\(id)")
        let response = original["response_data"] as? [String: Any] ?? [:]
        #expect(event.status == response["status_code"] as? Int, "\(id)")
        var cookies = response["cookies"] as? [String: String] ?? [:]
        if id == "cookies-latin1" { cookies = ["u": "caf\u{E9}", "v": "\u{E9}"] }
        #expect(event.response["cookies"] as? [String: String] == cookies, "\(id)")
    }

    /// `full_url` keeps the target as sent; the original decodes and re-encodes it.
    private static func differing(_ record: RecordedRequest) -> String? {
        let asSent = "http://127.0.0.1:18802" + record.head.target
        return switch record.id {
        case "path-bad-utf8", "path-encoded-specials", "q-plus", "xfp-https": asSent
        case "q-bad-pct": "http://127.0.0.1:18802/?q=%E9%25zz%25&b=%C3"
        case "host-80": "http://example.com:80/"
        case "host-idn-puny": "http://xn--bcher-kva.example/"
        default: nil
        }
    }
}
