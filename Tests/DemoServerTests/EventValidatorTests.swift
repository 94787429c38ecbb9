import Foundation
import TestSupport
import Testing

@testable import EventReceiver

@Suite("The event validator")
struct EventValidatorTests {
    static let good = """
        {"project_token":"t","event_type":"page_view","ra_tracker_version":"v1","event_data":{"view_name":"home",\
        "header_data":{"HTTP_HOST":"h"},"full_url":"http://h/","ra_session_id":"00112233445566778899aabbccddeeff",\
        "time_request_received_ns":1,"processing_time_ns":0,"response_data":{"status_code":200,"cookies":{}}}}
        """

    @Test("accepts what the Python package sent", arguments: ["router", "cgi"])
    func recorded(name: String) throws {
        // URLs that the original itself breaks: raw bytes, and an invalid host.
        let broken = ["q-bad-pct", "path-bad-utf8", "host-bad", "host-idn-puny"]
        for record in try RecordedRequest.load(name) where !(name == "cgi" && broken.contains(record.id)) {
            guard let event = record.event, record.id != "q-bad-pct" else { continue }
            let fault = EventValidator.fault(in: try JSONReader.read(Array(event)[...]))
            #expect(fault == nil, "\(record.id)")
            // These are ordinary: the fast scanner accepts all of them, as the package writes them.
            let text = String(decoding: event, as: UTF8.self).replacingOccurrences(of: "\\/", with: "/")
            let bytes = Array(text.utf8)
            let summary = EventScanner.scan(bytes[...])
            let token = bytes[try #require(summary, "\(record.id)").token]
            #expect(String(decoding: token, as: UTF8.self) == "tok-1", "\(record.id)")
        }
    }

    @Test(
        "accepts what is unusual but right, and finds the token in it",
        arguments: [
            ("\"t\",", "\"t\\u0041\\\"\",", "t\\u0041\\\""), ("\"project_token\"", "\"project\\u005ftoken\"", nil),
            ("\"h\"}", "\"h\",\"\\u0041\":\"\\ud83d\\ude00\"}", "t"),
            ("{\"project_token\":\"t\",", "{ \"project_token\" :\r\n \"t\" ,", "t"), ("\"home\"", "\"é😀\"", "t"),
            ("\"view_name\"", "\"sample_weight\":2.5e0,\"view_name\"", "t"),
            ("\"home\"", "\"\\\"project_token\\\":\\\"x\\\"\"", "t"),
        ] as [(String, String, String?)])
    func unusual(find: String, replace: String, token: String?) throws {
        let bytes = Array(Self.good.replacingOccurrences(of: find, with: replace).utf8)
        #expect(EventValidator.fault(in: try JSONReader.read(bytes[...])) == nil)
        let read = EventReading.read(bytes[...])
        guard let token else {
            // Its token can't be replaced, so it is rejected.
            #expect(throws: EventReading.Fault.self) { try read.get() }
            return
        }
        #expect(String(decoding: bytes[try read.get().token], as: UTF8.self) == token)
    }

    @Test("agrees with the scanner on invalid input, byte by byte")
    func scanner() throws {
        let good = Array(Self.good.utf8)
        #expect(EventScanner.scan(good[...]) != nil)
        for index in good.indices {
            for byte in [UInt8(0), 0x22, 0x5C, 0x7B, 0x2C, 0x30, 0x80, 0xFF] {
                var bytes = good
                bytes[index] = byte
                guard EventScanner.scan(bytes[...]) != nil else { continue }
                let value = try JSONReader.read(bytes[...])
                #expect(EventValidator.fault(in: value) == nil, "\(index) \(byte)")
            }
            #expect(EventScanner.scan(good[..<index]) == nil)
        }
    }

    @Test(
        "says what is wrong",
        arguments: [
            ("\"t\",", "7,", "project_token: not a string, or empty"),
            ("page_view", "view", "event_type: not \"page_view\""),
            ("\"v1\"", "1", "ra_tracker_version: not a string, or empty"),
            ("\"home\"", "1", "event_data.view_name: neither a string nor null"),
            ("\"h\"}", "1}", "event_data.header_data.HTTP_HOST: not a string"),
            ("http://h/", "/relative", "event_data.full_url: not an absolute"),
            ("http://h/", "http://h/#x", "event_data.full_url: not an absolute"),
            ("http://h/", "http://h/a b", "event_data.full_url: not an absolute"),
            ("http://h/", "http://h/%z", "event_data.full_url: not an absolute"),
            ("ccddeeff", "CCDDEEFF", "event_data.ra_session_id: not 32 lowercase hex digits"),
            ("_ns\":1", "_ns\":1.0", "event_data.time_request_received_ns: not an integer above 0"),
            ("_ns\":0", "_ns\":-1", "event_data.processing_time_ns: not an integer of at least 0"),
            ("_ns\":0", "_ns\":\"0\"", "event_data.processing_time_ns: not an integer of at least 0"),
            ("200", "99", "event_data.response_data.status_code: not an integer from 100 to 599"),
            ("\"cookies\":{}", "\"cookies\":[]", "event_data.response_data.cookies: not an object"),
            (
                "\"cookies\":{}", "\"cookies\":{\"a\":1}",
                "event_data.response_data.cookies.a: neither a string nor an object"
            ),
            ("\"cookies\":{}", "\"cookies\":{\"a\":{}}", "event_data.response_data.cookies.a.expires: not a string"),
            ("\"event_data\"", "\"extra\":1,\"event_data\"", "extra: not a member of an event"),
            ("\"view_name\"", "\"extra\":1,\"view_name\"", "event_data.extra: not a member of an event"),
            ("\"view_name\"", "\"truncated\":false,\"view_name\"", "event_data.truncated: present but not true"),
        ])
    func faults(find: String, replace: String, reason: String) throws {
        let text = Self.good.replacingOccurrences(of: find, with: replace)
        #expect(text != Self.good)
        let fault = try #require(EventValidator.fault(in: try JSONReader.read(Array(text.utf8)[...])))
        #expect(fault.hasPrefix(reason), "\(fault)")
    }
}

@Suite("The JSON reader")
struct JSONReaderTests {
    @Test(
        "reads every kind of value",
        arguments: [
            ("[1,-2,0,1.5,1e3,12345678901234567890]", "[1,-2,0,1.5,1000.0,1.2345678901234567e+19]"),
            ("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "é😀\n/"),
            (" { \"a\" : [ true , false , null ] } ", "{a:[true,false,null]}"),
            ("\"é\"", "é"),
        ])
    func reads(text: String, expected: String) throws {
        #expect(Self.plain(try JSONReader.read(Array(text.utf8)[...])) == expected)
    }

    @Test(
        "refuses what is not JSON",
        arguments: [
            "", "{", "[1,]", "{\"a\":1,}", "01", "1.", "+1", "nul", "\"\\ud83d\"", "\"\\udc00x\"", "\"\u{1}\"",
            "\"\\x\"", "1 2",
            "{\"a\":1,\"a\":2}", "{a:1}", "\"a", "'a'", "NaN", "[1", String(repeating: "[", count: 100), "\"\\u12", "-",
            "1e",
        ])
    func refuses(text: String) {
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read(Array(text.utf8)[...]) }
    }

    @Test("refuses bytes that are not UTF-8")
    func invalidUTF8() {
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read([0x22, 0xFF, 0x22]) }
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read([0x22, 0x5C, 0x6E, 0xC3, 0x22]) }
    }

    private static func plain(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .boolean(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .string(let text): text
        case .array(let elements): "[\(elements.map(plain).joined(separator: ","))]"
        case .object(let members): "{\(members.map { "\($0.name):\(plain($0.value))" }.joined(separator: ","))}"
        }
    }
}
