import Testing

@testable import TrackerCore

@Suite("Forwarded headers")
struct TrustedProxiesTests {
    private func url(
        _ proxies: TrustedProxies, peer: String? = "10.0.0.1", _ headers: [(name: String, value: String)]
    ) -> String {
        let snapshot = RequestSnapshot(
            method: "GET", target: "/a", headers: RequestHeaders([("Host", "inner:8080")] + headers),
            remoteAddress: peer)
        var filter = PrivacyFilter(policy: .none)
        var bytes: [UInt8] = []
        var hosts = UsableHost()
        FullURL.append(
            snapshot, fields: snapshot.headers.fields, origin: ForwardedOrigin(proxies), hosts: &hosts, filter: &filter,
            to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let sent = [
        (name: "X-Forwarded-For", value: "192.0.2.7"), (name: "X-Forwarded-Proto", value: "https"),
        (name: "X-Forwarded-Host", value: "example.com"),
    ]

    @Test("are trusted from nobody by default")
    func nobody() {
        #expect(url(.none, Self.sent) == "http://inner:8080/a")
    }

    @Test("are trusted from a counted or a named proxy")
    func trusted() {
        #expect(url(.count(1), peer: nil, Self.sent) == "https://example.com/a")
        #expect(url(.networks(["10.0.0.0/8"]), Self.sent) == "https://example.com/a")
        #expect(url(.networks(["::1", "fd00::/8"]), peer: "fd00::5", Self.sent) == "https://example.com/a")
        #expect(url(.networks(["10.0.0.0/8"]), peer: "::ffff:10.0.0.1", Self.sent) == "https://example.com/a")
    }

    @Test("are not trusted from another peer, or an unknown one")
    func stranger() {
        #expect(url(.networks(["10.0.0.0/8"]), peer: "192.0.2.1", Self.sent) == "http://inner:8080/a")
        #expect(url(.networks(["10.0.0.0/8"]), peer: nil, Self.sent) == "http://inner:8080/a")
        #expect(url(.networks(["10.0.0.0/8"]), peer: "nonsense", Self.sent) == "http://inner:8080/a")
    }

    @Test("are read from the right: what a client put there itself does not count")
    func spoofed() {
        let headers = [
            (name: "X-Forwarded-For", value: "6.6.6.6, 192.0.2.7"),
            (name: "X-Forwarded-Proto", value: "http, https"), (name: "X-Forwarded-Host", value: "evil.com, good.com"),
        ]
        #expect(url(.count(1), headers) == "https://good.com/a")
        #expect(url(.networks(["10.0.0.0/8"]), headers) == "https://good.com/a")
    }

    @Test("name no more proxies than addresses, even if all of them are trusted")
    func onlyProxies() {
        let headers = [
            (name: "X-Forwarded-For", value: "10.0.0.2"), (name: "X-Forwarded-Proto", value: "http, https"),
            (name: "X-Forwarded-Host", value: "evil.com, good.com"),
        ]
        #expect(url(.networks(["10.0.0.0/8"]), headers) == "https://good.com/a")
    }

    @Test("pass through a chain of trusted proxies to the one that met the client")
    func chain() {
        let headers = [
            (name: "X-Forwarded-For", value: "6.6.6.6, 192.0.2.7, 10.0.0.2"),
            (name: "X-Forwarded-Proto", value: "http, https, http"),
            (name: "X-Forwarded-Host", value: "evil.com, good.com, inner"),
        ]
        #expect(url(.count(2), headers) == "https://good.com/a")
        #expect(url(.networks(["10.0.0.0/8"]), headers) == "https://good.com/a")
    }

    @Test("in the standard form are read only if there are no others")
    func forwarded() {
        let headers = [
            (name: "Forwarded", value: "for=6.6.6.6;host=evil.com;proto=http"),
            (name: "Forwarded", value: "for=\"[2001:db8::7]:4711\";proto=https;host=\"good.com:8443\""),
        ]
        #expect(url(.count(1), headers) == "https://good.com:8443/a")
    }

    @Test("in the standard form do not count beside others: they may be the client's own", arguments: 0..<3)
    func forwardedBesideOthers(index: Int) {
        let spoofed = (name: "Forwarded", value: "for=6.6.6.6;host=evil.com;proto=https")
        let field = Self.sent[index]
        let expected = ["http://inner:8080/a", "https://inner:8080/a", "http://example.com/a"]
        #expect(url(.count(1), [spoofed, field]) == expected[index])
        #expect(url(.networks(["10.0.0.0/8"]), [spoofed, field]) == expected[index])
    }

    private static let nonsense = ["a b", "evil/..", "x@y", "", "[::1", "\"\"", "a,c\"d"]

    @Test("that make no sense are ignored", arguments: nonsense)
    func ignored(host: String) {
        #expect(url(.count(1), [("X-Forwarded-Host", host), ("X-Forwarded-Proto", host)]) == "http://inner:8080/a")
    }

    @Test("that make no sense in the standard form are ignored", arguments: nonsense)
    func ignoredInForwarded(host: String) {
        #expect(url(.count(1), [("Forwarded", "host=" + host + ";proto=" + host)]) == "http://inner:8080/a")
    }

    @Test(
        "are configured by a number or by networks",
        arguments: [
            ("0", TrustedProxies.none), ("2", .count(2)), ("10.0.0.0/8, ::1", .networks(["10.0.0.0/8", "::1"])),
            ("-1", nil), ("10.0.0.0/33", nil), ("localhost", nil), ("1.2.3.4/", nil), (",", nil),
        ] as [(String, TrustedProxies?)])
    func configured(text: String, expected: TrustedProxies?) {
        #expect(TrustedProxies(text: text) == expected)
    }

    @Test(
        "can have their addresses shortened",
        arguments: [
            ("192.0.2.77", "192.0.2.0"), ("192.0.2.77:80, 2001:db8:1:2::9", "192.0.2.0, 2001:db8:1::"),
            ("[2001:db8:1:2::9]:443", "2001:db8:1::"), ("unknown", "unknown"), ("secret-host", "[Filtered]"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "for=\"192.0.2.0\";proto=http;by=\"203.0.113.0\""),
            ("for=192.0.2.60;secret=egah2CGj55fSJFs", "for=\"192.0.2.0\";[Filtered]"),
            ("203.0.113.77;x=1", "203.0.113.0;[Filtered]"), ("a=b, 203.0.113.77", "[Filtered], 203.0.113.0"),
        ])
    func shortened(value: String, expected: String) {
        #expect(ClientAddresses.truncated(value) == expected)
    }

    @Test("with shortened addresses lose secrets as others do")
    func shortenedAndSearched() throws {
        var policy = PrivacyPolicy.standard
        policy.addresses = .truncate
        let fields = [("Forwarded", "for=192.0.2.7;host=bob.smith@example.com"), ("X-Real-IP", "192.0.2.7")]
        #expect(
            try PrivacyFilterTests.headers(fields, policy) == [
                "HTTP_FORWARDED": "for=\"192.0.2.0\";host=[Filtered]", "HTTP_X_REAL_IP": "192.0.2.0",
            ])
    }

    @Test("with addresses can be left out")
    func omitted() throws {
        var policy = PrivacyPolicy.standard
        policy.addresses = .omit
        let snapshot = RequestSnapshot(
            method: "GET", target: "/",
            headers: RequestHeaders([("X-Real-IP", "192.0.2.7"), ("Forwarded", "for=192.0.2.7"), ("Accept", "*/*")]))
        let data = try EventEncoderTests.eventData(EventEncoderTests.encode(snapshot, privacy: policy))
        #expect(data["header_data"] as? [String: String] == ["HTTP_ACCEPT": "*/*"])
    }
}
