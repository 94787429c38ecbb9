import Testing

@testable import TrackerCore

@Suite("Paths")
struct PathRuleTests {
    private func url(_ target: String, _ change: (inout PrivacyPolicy) -> Void) -> String {
        var privacy = PrivacyPolicy.standard
        change(&privacy)
        return FullURLTests.url(target, privacy: privacy)
    }

    @Test(
        "named by the app lose the segments that it names",
        arguments: [
            ("/reset/abc", "/reset/[Filtered]"), ("/reset/abc/", "/reset/[Filtered]/"),
            ("/reset/abc/more", "/reset/[Filtered]/more"), ("/reset", "/reset"), ("/resets/abc", "/resets/abc"),
            ("/files/17/download", "/files/[Filtered]/download"), ("/files/17/view", "/files/17/view"),
            ("/reset/abc?x=/reset/def", "/reset/[Filtered]?x=/reset/def"), ("//reset//abc", "//reset//[Filtered]"),
        ])
    func patterns(sent: String, expected: String) {
        #expect(url(sent) { $0.paths = ["/reset/*", "/files/*/download"] } == "http://h" + expected)
    }

    @Test(
        "named by the app match however characters are encoded",
        arguments: [
            ("/zur%C3%BCck/abc", "/zur%C3%BCck/[Filtered]"), ("/zur%c3%bcck/abc", "/zur%c3%bcck/[Filtered]"),
            ("/zurück/abc", "/zur%C3%BCck/[Filtered]"), ("/%72eset/abc", "/%72eset/[Filtered]"),
            ("/a b/abc", "/a%20b/[Filtered]"), ("/a%20b/abc", "/a%20b/[Filtered]"), ("/%72esets/abc", "/%72esets/abc"),
        ])
    func encodedPatterns(sent: String, expected: String) {
        #expect(url(sent) { $0.paths = ["/reset/*", "/zurück/*", "/a%20b/*"] } == "http://h" + expected)
    }

    @Test(
        "hide a token after a telling word whatever delimiter stands between them, or inside it",
        arguments: [
            ("/unsubscribe/bob@example.com/*", "/unsubscribe/[Filtered]/[Filtered]"),
            ("/unsubscribe/bob%40example.com/*", "/unsubscribe/[Filtered]/[Filtered]"),
            ("/invite/John%20Doe/*", "/invite/John%20Doe/[Filtered]"),
            ("/activate/MTIzNDU=/*", "/activate/MTIzNDU=/[Filtered]"), ("/reset;*", "/reset;[Filtered]"),
            ("/reset/for;*/done", "/reset/[Filtered]/done"), ("/reset/*;v=2/done", "/reset/[Filtered]/done"),
            ("/reset/a%3Fb/*?x=y,z", "/reset/a%3Fb/[Filtered]?x=y,z"),
        ])
    func delimiters(sent: String, expected: String) {
        #expect(url(sent.replacing("*", with: "4f8Gh2kLp9QzX7vB3nMc")) { _ in } == "http://h" + expected)
    }

    @Test(
        "hide a token after a telling word as a whole, with the delimiters in it",
        arguments: ["~", ",", ";", "!", "(", "$", "*", "=", "@", ":", "%20", "%3F", "%22"])
    func delimitersInside(delimiter: String) {
        for token in ["aT9x\(delimiter)Kq3Lm8Zp2Vw7Rt", "Kq3Lm8Zp2Vw7Rt\(delimiter)aT9x", "482913\(delimiter)x"] {
            #expect(url("/reset/\(token)/open?a=b") { _ in } == "http://h/reset/[Filtered]/open?a=b", "\(token)")
        }
        for words in ["my\(delimiter)password", "step-2\(delimiter)of-3"] {
            #expect(url("/reset/\(words)/open?a=b") { _ in } == "http://h/reset/\(words)/open?a=b", "\(words)")
        }
    }

    @Test("named by the app count in the URLs of headers, too")
    func headers() throws {
        var privacy = PrivacyPolicy.standard
        privacy.paths = ["/reset/*"]
        var only = PrivacyPolicy.none
        only.paths = ["/reset/*"]
        #expect(
            try PrivacyFilterTests.headers([("Referer", "https://e.org/reset/abc?token=b")], only)
                == ["HTTP_REFERER": "https://e.org/reset/[Filtered]?token=b"])
        let fields = [
            ("Referer", "https://e.org/reset/abc?a=b"), ("X-Original-Url", "/reset/abc"), ("X-A", "a/reset/abc"),
        ]
        #expect(
            try PrivacyFilterTests.headers(fields, privacy) == [
                "HTTP_REFERER": "https://e.org/reset/[Filtered]?a=b", "HTTP_X_ORIGINAL_URL": "/reset/[Filtered]",
                "HTTP_X_A": "a/reset/abc",
            ])
    }

    @Test(
        "keep plain words and short numbers alone if asked to",
        arguments: [
            ("/users/123456789/edit", "/users/123456789/edit"), ("/users/1234567890", "/users/[Filtered]"),
            ("/a/b3x9/c", "/a/[Filtered]/c"), ("/api/v2/about-us.html", "/api/v2/about-us.html"),
            ("/0b66c26a1f4c4f418e8f0afcbc22d24b", "/[Filtered]"), ("/", "/"), ("/%41bc", "/[Filtered]"),
            ("/p/qwxzkvjhtrplmnbdfg", "/p/[Filtered]"), ("/2026/11/26/title-of-a-page", "/2026/11/26/title-of-a-page"),
        ])
    func strict(sent: String, expected: String) {
        #expect(url(sent) { $0.pathSegments = .harmless } == "http://h" + expected)
        #expect(FullURLTests.url(sent, privacy: .strict) == "http://h" + expected)
    }

    @Test("are searched no further if values are not")
    func off() {
        #expect(
            url("/reset/4f8Gh2kLp9QzX7vB3nMc") { $0.searchesValues = false } == "http://h/reset/4f8Gh2kLp9QzX7vB3nMc")
    }

    @Test("are checked when the tracker is configured", arguments: ["reset/*", "/reset", "/reset/a*", "*"])
    func invalid(pattern: String) {
        #expect(throws: ConfigurationError.self) {
            try TrackerConfiguration(environment: [
                "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_PRIVACY_PATHS": pattern,
            ])
        }
    }

    @Test("and kinds of personal data are read from the environment")
    func environment() throws {
        let configuration = try TrackerConfiguration(environment: [
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_PRIVACY_PATHS": "/reset/*, /files/*/download",
            "RA_PRIVACY_KEEP": "email, Phone", "RA_PRIVACY_PATH_SEGMENTS": "harmless",
        ])
        #expect(configuration.privacy.paths == ["/reset/*", "/files/*/download"])
        #expect(configuration.privacy.kept == [.email, .phone])
        #expect(configuration.privacy.pathSegments == .harmless)
        #expect(throws: ConfigurationError.self) {
            try TrackerConfiguration(environment: [
                "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_PRIVACY_KEEP": "mail",
            ])
        }
    }

    @Test("become the route's template if asked to")
    func template() throws {
        var privacy = PrivacyPolicy.standard
        privacy.pathSegments = .template
        let snapshot = RequestSnapshot(
            method: "GET", target: "/users/b3x9/edit?a=1", host: "h", headers: RequestHeaders([]))
        let templated = try EventEncoderTests.eventData(
            EventEncoderTests.encode(snapshot, privacy: privacy, viewName: "/users/:id/edit"))
        #expect(templated["full_url"] as? String == "http://h/users/:id/edit?a=1")
        let named = try EventEncoderTests.eventData(
            EventEncoderTests.encode(snapshot, privacy: privacy, viewName: "users.edit"))
        #expect(named["full_url"] as? String == "http://h/users/[Filtered]/edit?a=1")
    }
}
