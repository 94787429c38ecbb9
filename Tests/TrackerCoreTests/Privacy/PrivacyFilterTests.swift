import TestSupport
import Testing

@testable import TrackerCore

@Suite("The privacy filter")
struct PrivacyFilterTests {
    static func headers(_ fields: [(name: String, value: String)], _ privacy: PrivacyPolicy = .standard) throws
        -> [String: String]?
    {
        let snapshot = RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders(fields))
        let data = try EventEncoderTests.eventData(EventEncoderTests.encode(snapshot, privacy: privacy))
        return data["header_data"] as? [String: String]
    }

    @Test(
        "replaces the value of a header that is named like a secret, and keeps its name",
        arguments: [
            "Authorization", "authorization", "Proxy-Authorization", "X-Api-Key", "X-API-KEY", "X-CSRFToken",
            "X-Auth-Token", "X-Access-Token", "Api.Secret", "X-Amz-Signature", "Session-Id",
        ])
    func secretHeader(name: String) throws {
        let headers = try #require(try Self.headers([(name, "v4lue")]))
        #expect(headers.count == 1)
        #expect(headers.values.first == "[Filtered]")
    }

    @Test("lets harmless names pass", arguments: ["X-Monkey", "Keyboard", "Author", "X-Tokenizer", "Accept", "DNT"])
    func harmlessHeader(name: String) throws {
        #expect(try Self.headers([(name, "v4lue")])?.values.first == "v4lue")
    }

    @Test(
        "keeps the names of cookies and replaces their values",
        arguments: [
            ("a=1; b=2", "a=[Filtered]; b=[Filtered]"), ("", ""), ("bare", "[Filtered]"),
            ("a=x=y;;b=", "a=[Filtered]; ; b=[Filtered]"), ("a=\"1; secret\"", "a=[Filtered]; [Filtered]"),
        ])
    func cookieHeader(value: String, expected: String) throws {
        #expect(try Self.headers([("Cookie", value)]) == ["HTTP_COOKIE": expected])
    }

    @Test(
        "searches the values of cookies that may stay",
        arguments: [PrivacyPolicy.Rule.denyList, .allowList(["user", "prefs"]), .off])
    func keptCookies(rule: PrivacyPolicy.Rule) throws {
        var privacy = PrivacyPolicy.standard
        privacy.cookies = rule
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
        let snapshot = RequestSnapshot(
            method: "GET", target: "/",
            headers: RequestHeaders([("Cookie", "user=\(token); prefs={\"password\":\"x1\"}; user2=a b")]), style: .cgi)
        let data = try EventEncoderTests.eventData(EventEncoderTests.encode(snapshot, privacy: privacy))
        let last = rule == .allowList(["user", "prefs"]) ? "[Filtered]" : "a b"
        #expect(
            data["header_data"] as? [String: String] == [
                "HTTP_COOKIE": "user=[Filtered]; prefs={\"password\":\"[Filtered]\"}; user2=\(last)"
            ])
        let response = try #require(data["response_data"] as? [String: Any])
        #expect(
            response["cookies"] as? [String: String]
                == ["user": "[Filtered]", "prefs": "{\"password\":\"[Filtered]\"}", "user2": last])
    }

    @Test(
        "hides as much of a header's text as the secret is long",
        arguments: [
            ("password=x&y=z", "password=[Filtered]&y=z"), ("password=x&y", "password=[Filtered]"),
            (
                "https://m.example/?ll=48.1,11.5&signature=Zm9v/YmFyc2VjcmV0=",
                "https://m.example/?ll=48.1,11.5&signature=[Filtered]"
            ),
            ("to bob@192.168.0.1 now", "to [Filtered] now"), ("react@18.2.0 now", "react@18.2.0 now"),
            ("<pin>7</pin>", "<pin>[Filtered]</pin>"), ("<password></password>", "<password></password>"),
            ("see https://e.org/a, password=ab/cd", "see https://e.org/a, password=[Filtered]"),
            ("https://e.org/a password=ab?cd", "https://e.org/a password=[Filtered]"),
            ("https://e.org/a;password=ab/cd", "https://e.org/a;password=[Filtered]/cd"),
            ("https://e.org/?a=https://b.org&to=bob@x.org", "https://e.org/?a=https://b.org&to=[Filtered]"),
            // Base64 of `password=hunter2`, which has no colon.
            ("Basic cGFzc3dvcmQ9aHVudGVyMg==", "Basic [Filtered]"),
            ("wrote Xa3fG/k9Lm2NpQ/rS5tUvW+xYz7AbCdEf8HiJkLq twice", "wrote [Filtered] twice"),
        ])
    func text(value: String, expected: String) throws {
        #expect(try Self.headers([("X-Note", value)])?.values.first == expected)
    }

    @Test("searches each header by itself, whatever the one before it was")
    func separateHeaders() throws {
        let headers = try Self.headers([("A", "https://e.org/a"), ("B", "password=ab?cd")])
        #expect(headers == ["HTTP_A": "https://e.org/a", "HTTP_B": "password=[Filtered]"])
    }

    @Test("takes a name of at most 64 bytes behind a value for the next parameter, a longer one for more of the value")
    func longName() throws {
        let longest = String(repeating: "n", count: 64)
        #expect(try Self.headers([("X", "password=x&\(longest)=z")]) == ["HTTP_X": "password=[Filtered]&\(longest)=z"])
        #expect(try Self.headers([("X", "password=x&n\(longest)=z")]) == ["HTTP_X": "password=[Filtered]"])
    }

    @Test(
        "cleans the query of addresses in headers",
        arguments: [
            ("https://e.org/a?b=c&token=x#d", "https://e.org/a?b=c&token=[Filtered]#d"),
            ("https://e.org/a?password=1&b=2&api_key=3", "https://e.org/a?password=[Filtered]&b=2&api_key=[Filtered]"),
            ("https://e.org/a", "https://e.org/a"), ("?token=", "?token="), ("?", "?"),
            ("?token=a?b", "?token=[Filtered]"),
            (
                "https://e.org/unsubscribe/bob@example.com/4f8Gh2kLp9QzX7vB3nMc",
                "https://e.org/unsubscribe/[Filtered]/[Filtered]"
            ), ("https://e.org/reset/aT9x~Kq3Lm8Zp2Vw7Rt", "https://e.org/reset/[Filtered]"),
        ])
    func referer(value: String, expected: String) throws {
        #expect(try Self.headers([("Referer", value)]) == ["HTTP_REFERER": expected])
    }

    @Test("hides user and password of an address, whatever characters they have", arguments: [",", "'", "&", ";", "!"])
    func userAndPassword(mark: String) throws {
        let encoded = mark.utf8.map { "%" + String($0, radix: 16, uppercase: true) }.joined()
        let address = "https%3A%2F%2F[Filtered]%40example.com%2F"
        #expect(
            FullURLTests.url("/go?to=https%3A%2F%2Fbob%3Aa\(encoded)b%40example.com%2F", privacy: .standard)
                == "http://h/go?to=" + address)
        #expect(
            try Self.headers([("X-A", "see https://bob:it\(mark)s@example.com/")])
                == ["HTTP_X_A": "see https://[Filtered]@example.com/"])
        guard mark != "&" else { return }
        #expect(
            FullURLTests.url("/go?to=https://bob:a\(mark)b@example.com/", privacy: .standard)
                == "http://h/go?to=https://[Filtered]@example.com/")
    }

    @Test(
        "replaces whole characters, so that what is left is UTF-8",
        arguments: [
            "bob@example.com", "@example.com", "sk_live_abcdEFGH1234ijklMNOP", "%F0%9Fpassword=1é", "+491234567890",
        ])
    func wholeCharacters(secret: String) throws {
        for wide in ["\u{1F600}", "é", "密", "e\u{301}"] {
            for padding in 0..<9 {
                let text = String(repeating: "a", count: padding) + String(repeating: wide, count: 40)
                for value in [text + secret, text + secret + text, secret + text] {
                    let event = EventEncoderTests.encode(
                        RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([("X", value)])),
                        privacy: .standard)
                    #expect(String(validating: event, as: UTF8.self) != nil, "\(value)")
                }
            }
        }
    }

    @Test(
        "replaces a mail address with a quoted local part, also an empty one",
        arguments: ["\"\"@example.org", "to \"\"@example.org", "\"a b\"@example.org", "to \"a\"@example.org"])
    func quotedMail(value: String) throws {
        let hidden = try Self.headers([("X", value)])?.values.first
        #expect(hidden == (value.hasPrefix("to ") ? "to [Filtered]" : "[Filtered]"))
    }

    @Test("leaves the slash behind the host, though forty characters with it look like a key of AWS")
    func hostSlash() throws {
        let snapshot = RequestSnapshot(
            method: "GET", target: "/cGFcGFzc3dvcmQ9cGFzc3dvcmQ9cGFzc3dvcmQ9", host: "h", headers: RequestHeaders([]))
        let data = try EventEncoderTests.eventData(EventEncoderTests.encode(snapshot, privacy: .standard))
        #expect(data["full_url"] as? String == "http://h/[Filtered]")
    }

    @Test("does nothing when it is off")
    func off() throws {
        let fields = [(name: "Authorization", value: "Basic dXNlcjpwYXNz"), (name: "Cookie", value: "a=1")]
        #expect(
            try Self.headers(fields, .none) == ["HTTP_AUTHORIZATION": "Basic dXNlcjpwYXNz", "HTTP_COOKIE": "a=1"])
    }

    @Test("that is strict keeps only harmless headers")
    func strict() throws {
        #expect(
            try Self.headers([("Accept", "*/*"), ("X-Anything", "1"), ("Cookie", "a=1")], .strict)
                == ["HTTP_ACCEPT": "*/*", "HTTP_X_ANYTHING": "[Filtered]", "HTTP_COOKIE": "a=[Filtered]"])
    }

    @Test(
        "hides parameters without a value unless an allow list has their names",
        arguments: [
            ("4f8Gh2kLp9QzX7vB3nMc", "[Filtered]"), ("a&debug&b=1&", "[Filtered]&debug&b=[Filtered]&"),
            ("&&debug", "&&debug"), ("DEBU%47", "DEBU%47"), ("a=&debug=", "a=&debug="),
        ])
    func bareParameters(query: String, expected: String) {
        var privacy = PrivacyPolicy.strict
        privacy.queryParameters = .allowList(["debug"])
        #expect(FullURLTests.url("/download?\(query)", privacy: privacy) == "http://h/download?\(expected)")
        #expect(FullURLTests.url("/download?a&b&&c", privacy: .standard) == "http://h/download?a&b&&c")
    }

    @Test("searches the attributes of response cookies, and applies the rules of paths to theirs")
    func cookieAttributes() throws {
        let snapshot = RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([]))
        func attributes(_ privacy: PrivacyPolicy) throws -> [String?] {
            let sent = "a=1; Path=/invite/4f8Gh2kLp9QzX7vB3nMc/x; Comment=for bob@example.com; Domain=password=e.org"
            let bytes = EventEncoderTests.encode(snapshot, privacy: privacy, cookies: [sent])
            let response = try EventEncoderTests.eventData(bytes)["response_data"] as? [String: Any]
            let cookie = (response?["cookies"] as? [String: [String: Any]])?["a"]
            return ["path", "comment", "domain"].map { cookie?[$0] as? String }
        }
        let path = "/invite/4f8Gh2kLp9QzX7vB3nMc/x"
        let filtered = ["/invite/[Filtered]/x", "for [Filtered]", "password=[Filtered]"]
        #expect(try attributes(.standard) == filtered)
        #expect(try attributes(.none) == [path, "for bob@example.com", "password=e.org"])
        var privacy = PrivacyPolicy.none
        privacy.paths = ["/invite/*"]
        #expect(try attributes(privacy) == [filtered[0], "for bob@example.com", "password=e.org"])
    }

    @Test(
        "ends a value where the text around it goes on, and not before",
        arguments: [
            ("(token=Zq7hunter2Vx) rest", "(token=[Filtered]) rest"),
            ("(token=Zq7)hunter2Vx) rest", "(token=[Filtered]) rest"), ("(token=Zq7hunter2Vx)", "(token=[Filtered])"),
            ("token=Zq7hunter2Vx,7", "token=[Filtered]"), ("token=Zq7hunter2Vx, b=7", "token=[Filtered], b=7"),
            ("token=Zq7hunter2Vx,b=7", "token=[Filtered],b=7"), ("token=Zq7hunter2Vx,", "token=[Filtered],"),
            // Plural and numbers are part of a name, other letters make it another word.
            ("claves=Zq7hunter2Vx", "claves=[Filtered]"), ("clave12=Zq7hunter2Vx", "clave12=[Filtered]"),
            ("clavesia=plain", "clavesia=plain"), ("clave12ab=plain", "clave12ab=plain"),
        ])
    func ends(text: String, filtered: String) throws {
        let snapshot = RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([("X-Data", text)]))
        let data = try EventEncoderTests.eventData(EventEncoderTests.encode(snapshot, privacy: .standard))
        #expect((data["header_data"] as? [String: String])?["HTTP_X_DATA"] == filtered)
    }

    @Test("hides findings that overlap as one")
    func overlaps() {
        var pass = ScanPass(.with(), keeping: [])
        for range in [2..<4, 6..<10, 8..<12, 5..<7, 12..<14] { pass.hide(range) }
        #expect(pass.scratch.found == [2..<4, 5..<12, 12..<14])
    }

    @Test("replaces the values of request cookies in the CGI style")
    func requestCookies() throws {
        let snapshot = RequestSnapshot(
            method: "GET", target: "/", headers: RequestHeaders([("Cookie", "a=1")]), style: .cgi)
        let data = try EventEncoderTests.eventData(EventEncoderTests.encode(snapshot, privacy: .standard))
        let response = data["response_data"] as? [String: Any]
        #expect(response?["cookies"] as? [String: String] == ["a": "[Filtered]"])
    }
}
