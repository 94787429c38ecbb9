import Foundation

@testable import TrackerCore

/// Secrets in realistic places, and texts that only look like them.
enum SecretCorpus {
    struct Case: Sendable, CustomStringConvertible {
        var description: String
        var target = "/"
        var headers: [(name: String, value: String)] = []
        /// What must not be in the event, in any form.
        var secret: String
    }

    /// Letters and digits, and too long to occur anywhere by chance.
    static let secret = "Zq7hunter2Vx"

    static let headerNames = [
        "Authorization", "AUTHORIZATION", "authorization", "Proxy-Authorization", "X-Api-Key", "X-API-KEY", "Api-Key",
        "apikey", "X-Auth", "X-Auth-Token", "X-Access-Token", "X-Refresh-Token", "X-Token", "Token", "X-CSRF-Token",
        "X-CSRFToken", "X-XSRF-TOKEN", "X-Session-Id", "X-Session", "Session", "X-Secret", "Client-Secret",
        "X-Client-Secret", "X-Password", "Password", "X-User-Password", "X-Passwd", "X-Pwd", "X-Signature",
        "X-Hub-Signature", "X-Hub-Signature-256", "Stripe-Signature", "X-Amz-Security-Token", "X-Goog-Signature",
        "X-Amz-Signature", "X-Jwt", "X-Jwt-Assertion", "X-Goog-Iap-Jwt-Assertion", "X-Saml-Response", "X-Sso",
        "X-Credential", "X-Credentials", "X-Vault-Token", "X-Gitlab-Token", "Private-Token", "X-Shopify-Access-Token",
        "X-Github-Token", "X-Auth-Key", "X-Private-Key", "X-Functions-Key", "Ocp-Apim-Subscription-Key",
        "X-Card-Number", "X-Otp", "X-Pin", "X-MFA-Code-Token", "X-Bearer", "X-Cookie", "Sec-Cookie", "X-Sid",
        "X-userToken", "X-accessToken", "X-customerApiKey",
    ]

    static let parameterNames = [
        "token", "TOKEN", "access_token", "access-token", "accessToken", "refresh_token", "id_token", "auth",
        "auth_token", "authToken", "oauth_token", "oauth_verifier", "password", "Password", "passwd", "pwd", "pass",
        "user_password", "userPassword", "user%5Bpassword%5D", "user[password]", "new-password", "secret",
        "client_secret", "clientSecret", "app.secret", "key", "api_key", "apikey", "apiKey", "api-key", "APIKEY",
        "private_key", "jwt", "bearer", "sso", "SAMLResponse", "saml_request", "csrf", "csrf_token",
        "csrfmiddlewaretoken", "_csrf", "xsrf", "credential", "credentials", "session", "sessionid", "session_id",
        "PHPSESSID", "JSESSIONID", "sid", "connect.sid", "cookie", "card", "card_number", "cardNumber", "cvv",
        "signature", "sig", "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "hmac", "otp", "pin",
        "tok%65n", "p%61ssword",
    ]

    static var secrets: [Case] {
        headerCases + queryCases + refererCases + cookieCases + structureCases + shapeCases
    }

    private static var headerCases: [Case] {
        headerNames.map { Case(description: "header \($0)", headers: [($0, secret)], secret: secret) }
    }

    private static var queryCases: [Case] {
        parameterNames.flatMap { name -> [Case] in
            [
                Case(description: "query \(name)", target: "/a?x=1&\(name)=\(secret)&y=2", secret: secret),
                Case(
                    description: "nested \(name)",
                    target: "/login?next=https%3A%2F%2Fe.org%2Fb%3Fc%3D1%26\(encoded(name))%3D\(secret)%26d%3D2",
                    secret: secret),
            ]
        }
    }

    private static var refererCases: [Case] {
        parameterNames.flatMap { name -> [Case] in
            [
                Case(
                    description: "Referer \(name)",
                    headers: [("Referer", "https://e.org/path?a=b&\(name)=\(secret)#top")], secret: secret),
                Case(
                    description: "twice encoded \(name)",
                    headers: [
                        ("X-Original-URL", "/r?u=%252Fa%253F\(encoded(encoded(name)))%253D\(secret)%2526z%253D1")
                    ],
                    secret: secret),
            ]
        }
    }

    private static func encoded(_ text: String) -> String {
        text.replacingOccurrences(of: "%", with: "%25")
    }

    private static var cookieCases: [Case] {
        ["sid", "theme", "a", "PHPSESSID", "ra_session_id", "__Host-x", "tracking.id", "b64"].flatMap {
            name -> [Case] in
            [
                Case(
                    description: "cookie \(name)", headers: [("Cookie", "x=1; \(name)=\(secret); y=2")], secret: secret),
                Case(description: "cookie= \(name)", headers: [("cookie", "\(name)=\(secret)==;")], secret: secret),
                Case(
                    description: "quoted cookie \(name)", headers: [("Cookie", "\(name)=\"\(secret); x\"")],
                    secret: secret),
            ]
        } + [Case(description: "bare cookie", headers: [("Cookie", secret)], secret: secret)]
    }

    private static var structureCases: [Case] {
        ["password", "api_key", "accessToken", "client-secret", "sessionId"].flatMap { name -> [Case] in
            [
                ("X-Data", "{\"user\":\"a\",\"\(name)\":\"\(secret)\",\"b\":1}"),
                ("X-Data", "{\"user\": \"a\", \"\(name)\" : \"\(secret)\"}"),
                ("X-Data", "{\\\"\(name)\\\":\\\"\(secret)\\\"}"),
                ("X-Data", "{'\(name)': '\(secret)'}"),
                ("X-Data", "{\"\(name)\":{\"value\":\"\(secret)\"}}"),
                ("X-Data", "%7B%22\(name)%22%3A%22\(secret)%22%7D"),
                ("X-Params", "a=1; \(name)=\(secret); b=2"),
                ("X-Params", "a=1, \(name)=\"\(secret)\""),
                ("X-Debug", "\(name): \(secret)"),
                ("X-Debug", "curl -H '\(name): \(secret)'"),
                ("Link", "<https://e.org/?\(name)=\(secret)>; rel=next"),
                ("X-Forwarded-Uri", "/a/b?\(name)=\(secret)"),
            ].enumerated().map {
                Case(description: "\(name) in form \($0.offset)", headers: [$0.element], secret: secret)
            } + [
                Case(description: "\(name) in a path", target: "/a;\(name)=\(secret)/b?c=d", secret: secret),
                Case(
                    description: "\(name) with an ampersand inside", target: "/?\(name)=x%26\(secret)&y=1",
                    secret: secret),
                Case(description: "\(name) with marks inside", target: "/?\(name)=a,b;c(d)?/\(secret)", secret: secret),
            ]
        }
            + [
                "https://user:\(secret)@e.org/", "ftp://\(secret)@e.org", "redis://:\(secret)@10.0.0.1:6379/0",
                "https%3A%2F%2Fuser%3A\(secret)%40e.org%2F",
            ].flatMap { url -> [Case] in
                [
                    Case(description: "user info in Referer: \(url)", headers: [("Referer", url)], secret: secret),
                    Case(description: "user info in a query: \(url)", target: "/go?to=\(url)", secret: secret),
                ]
            }
    }

    private static let jsonWebToken =
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

    private static var shapeCases: [Case] {
        let values: [(text: String, secret: String)] =
            [
                (jsonWebToken, "eyJzdWIiOiIxMjM0NTY3ODkwIn0"), ("Bearer \(secret)", secret),
                ("bearer abc.def-123", "abc.def-123"), ("Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
                ("4111111111111111", "4111111111111111"), ("4111 1111 1111 1111", "4111 1111"),
                ("4111-1111-1111-1111", "4111-1111"), ("5500005555555559", "5500005555555559"),
                ("378282246310005", "378282246310005"), ("6011000990139424", "6011000990139424"),
                ("30569309025904", "30569309025904"), ("3530111333300000", "3530111333300000"),
                ("2223003122003222", "2223003122003222"), ("4222222222222", "4222222222222"),
                ("bob.smith@example.com", "bob.smith"), ("bob+tag@mail.example.co.uk", "mail.example"),
                ("BOB_SMITH@EXAMPLE.ORG", "BOB_SMITH"), ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
                ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "16C7e42F292c"),
                ("sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc", "4eC39HqL"),
                ("xoxb" + "-123456789012-abcdefABCDEF", "123456789012"),
                ("AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "9tSrke72"),
                ("glpat" + "-9tSrke72PouQMnMX", "9tSrke72"),
            ]
        return values.flatMap { value -> [Case] in
            let escaped = value.text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let plain = value.text.replacingOccurrences(of: " ", with: "%20")
            var cases = [
                Case(description: "\(value.text) alone", headers: [("X-Custom", value.text)], secret: value.secret),
                Case(
                    description: "\(value.text) in prose",
                    headers: [("X-Custom", "sent by \(value.text), thanks")], secret: value.secret),
                Case(
                    description: "\(value.text) in JSON", headers: [("X-Custom", "{\"a\":\"\(value.text)\"}")],
                    secret: value.secret),
                Case(
                    description: "\(value.text) in Referer",
                    headers: [("Referer", "https://e.org/u/\(plain)?q=\(plain)")], secret: value.secret),
                Case(description: "\(value.text) in a query", target: "/s?q=\(plain)&r=1", secret: value.secret),
                Case(description: "\(value.text) in a path", target: "/u/\(plain)/x", secret: value.secret),
            ]
            if !value.secret.contains(where: { " -.".contains($0) }) {
                cases.append(
                    Case(description: "\(value.text) escaped", target: "/s?q=\(escaped)&r=1", secret: value.secret))
            }
            return cases
        }
    }

    // MARK: Harmless

    static let harmlessNames = [
        "monkey", "keyboard", "author", "authors", "tokenizer", "tokenize", "keynote", "turkey", "hockey", "whiskey",
        "donkey", "jockey", "passage", "passenger", "compass", "bypassed", "passive", "secretary", "secretariat",
        "discard", "cardinal", "cardiff", "cardboard", "postcards1", "wildcards1", "cookiecutter", "cookiebar",
        "sidebar", "inside", "outside", "president", "residence", "side", "sidney", "pinned", "opinion", "spin",
        "shipping", "pinterest", "option", "adoption", "sigma", "signal", "design", "assign", "signup", "hashtag",
        "authority", "authored", "credible", "accredited", "sessional", "obsession", "possession", "keywords",
        "keyframe", "monkeys", "bearers", "forbearer", "assorted", "class", "passat", "jwtx", "ssox", "csrfx",
        "pwdx", "q", "page", "sort", "order", "lang", "utm_source", "utm_campaign", "id", "name", "title", "category",
        "filter", "limit", "offset", "cursor", "view", "tab", "ref", "from", "to", "date", "time", "year", "color",
        "size", "price", "quantity", "product", "item", "items", "search", "query", "term", "type", "format", "width",
        "height", "zoom", "lat", "lng", "city", "country", "region", "zip", "locale", "currency", "version", "build",
    ]

    static let harmlessValues = [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.5.0",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "gzip, deflate, br, zstd", "en-US,en;q=0.5", "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "no-cache", "keep-alive",
        "\"Chromium\";v=\"126\", \"Google Chrome\";v=\"126\", \"Not-A.Brand\";v=\"8\"", "?0", "\"Linux\"", "document",
        "navigate", "same-origin", "max-age=0", "https://example.com/a/b?page=2&sort=asc", "W/\"33a64df551425fcc\"",
        "Tue, 24 Nov 2026 08:00:00 GMT", "bytes=0-1023", "multipart/form-data; boundary=----WebKitFormBoundaryx7MA4",
        "application/json; charset=utf-8", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "203.0.113.7, 10.0.0.1", "for=192.0.2.60;proto=http;by=203.0.113.43", "1.1 varnish, 1.1 cache-fra",
        "order 1234567890123456", "1234567890123456", "1795469067833959742", "9999999999999999", "0000000000000000",
        "4111111111111112", "978-3-16-148410-0", "550e8400-e29b-41d4-a716-446655440000",
        "0b66c26a1f4c4f418e8f0afcbc22d24b", "a@b", "user@localhost", "@mention", "foo@", "10:30", "16:9", "C:/Users",
        "Basic training course", "basic instructions", "bearer of news", "The bearer has", "eyJ", "eye", "ey.J.x",
        // A colon only after the padding, where base64 has ended.
        "Basic YWI=cjpw",
        // After the end of a path with a keyword.
        "/token/open x7Qm2Zk9Lp4R",
        "monkey=1", "keyboard: qwerty", "author=me", "tokenizer: bpe", "AKIA", "ghp_", "sk-", "skate-boarding-is-fun",
        "sk-learn-is-a-library-for-python", "npm_config_loglevel", "SG.", "2026-11-24T08:00:00Z", "1.2.3-beta.4",
        "$12.99", "50%25 off", "100%", "a+b=c", "x==y", "http://localhost:8080/a:b", "urn:isbn:0451450523",
        "data:image/png", "mailto:", "tel:+123", "{\"a\":1,\"b\":[2,3]}", "{\"name\":\"monkey\",\"n\":4}",
        "SELECT 1", "a;b;c", "a,b,c", "q=0.8", "((()))", "<b>bold</b>", "naïve café", "日本語", "emoji 😀",
    ]

    /// Paths and queries that must pass unchanged.
    static var harmlessTargets: [String] {
        harmlessNames.map { "/a?\($0)=value7" } + harmlessNames.map { "/\($0)/7?x=\($0)" }
            + [
                "/orders/1234567890123456", "/isbn/9783161484100", "/t/1795469067833959742", "/@user/post", "/a@b",
                "/time/10:30", "/a:b/c", "/v1.2.3/file.tar.gz", "/x?ratio=16:9", "/x?t=10:30:00",
                "/x?u=https://e.org/a%3Fpage=2",
            ]
    }
}
