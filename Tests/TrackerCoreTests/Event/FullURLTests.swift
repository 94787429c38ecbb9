import Testing

@testable import TrackerCore

@Suite("full_url")
struct FullURLTests {
    static func url(_ target: String, host: String? = "h", privacy: PrivacyPolicy = .none, style: EventStyle = .router)
        -> String
    {
        let snapshot = RequestSnapshot(
            method: "GET", target: target, host: host, serverAuthority: "server:8", headers: RequestHeaders([]),
            style: style)
        var bytes: [UInt8] = []
        var filter = PrivacyFilter(policy: privacy)
        var hosts = UsableHost()
        FullURL.append(snapshot, fields: snapshot.headers.fields, hosts: &hosts, filter: &filter, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "keeps the target as it was sent",
        arguments: [
            ("/", "/"), ("/a%2Fb/../c//d", "/a%2Fb/../c//d"), ("/?", "/"), ("/x?y=1#frag", "/x?y=1"), ("/#", "/"),
            ("/a b\"<>\\^`{|}", "/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D"), ("/%zz%4", "/%25zz%254"), ("/é", "/%C3%A9"),
            ("/a[1]?a[]=1", "/a%5B1%5D?a[]=1"), ("*", "/*"), ("", "/"), ("?a=1", "/?a=1"), ("/?a?b", "/?a?b"),
            ("http://other:99/p?q=1", "/p?q=1"), ("https://other", "/"), ("http://other?q", "/?q"),
            ("host:443", "/host:443"), ("/%", "/%25"), ("/%a", "/%25a"), ("/a?b=%", "/a?b=%25"),
        ])
    func target(sent: String, expected: String) {
        #expect(Self.url(sent) == "http://h" + expected)
    }

    @Test("encodes brackets in the CGI style, as that original does")
    func brackets() {
        #expect(Self.url("/?a[]=1", style: .cgi) == "http://h/?a%5B%5D=1")
    }

    @Test(
        "has the host as sent if it can be one",
        arguments: ["EXAMPLE.Com:80", "[::1]:8080", "xn--bcher-kva.example", "example.com.", "10.0.0.1", "a:"])
    func goodHost(host: String) {
        #expect(Self.url("/", host: host) == "http://\(host)/")
    }

    @Test(
        "has the server's own name where the host is unusable",
        arguments: [
            "", "ex ample/evil?x", "a/b", "a@b", "[::1", "::1", "a:b", "a:99999", "a:1:2", "[zz]", "é", "a#b", "%zz",
            "[::1]x", String(repeating: "a", count: 300),
        ])
    func badHost(host: String) {
        #expect(Self.url("/", host: host) == "http://server:8/")
    }

    @Test("has no sensitive query value unless privacy is off")
    func filtered() {
        let target = "/?q=1&token=abc&api%5Fkey=x%26y&monkey=2&empty_token=&Password"
        #expect(
            Self.url(target, privacy: .standard)
                == "http://h/?q=1&token=[Filtered]&api%5Fkey=[Filtered]&monkey=2&empty_token=&Password")
        #expect(Self.url(target) == "http://h" + target)
        #expect(Self.url("/?a=1&b=", privacy: .strict) == "http://h/?a=[Filtered]&b=")
    }

    @Test("does not take a host for the one before that Unicode holds to be the same")
    func equivalentHost() {
        var hosts = UsableHost()
        for (host, expected) in [("k.example", "k.example"), ("\u{212A}.example", "s"), ("K.example", "K.example")] {
            let snapshot = RequestSnapshot(
                method: "GET", target: "/", host: host, serverAuthority: "s", headers: RequestHeaders([]))
            #expect(hosts.authority(of: snapshot, []) == expected)
        }
        let kelvin = RequestSnapshot(
            method: "GET", target: "/", host: "\u{212A}.example", serverAuthority: "s", headers: RequestHeaders([]))
        #expect(hosts.authority(of: kelvin, []) == "s")
    }
}
