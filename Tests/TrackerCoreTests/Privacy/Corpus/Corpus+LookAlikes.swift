import Foundation

/// Cases that must stay unchanged.
enum CorpusLookAlikes {
    static func families(_ random: inout SeededGenerator) -> [CorpusFamily] {
        [
            names(), values(), targets(&random), numbers(&random), identifiers(&random), slugs(&random),
            hashes(&random),
            files(), codes(&random), encodings(&random),
        ]
    }

    private static func family(_ name: String, _ cases: [CorpusCase]) -> CorpusFamily {
        CorpusFamily(name: name, kind: .lookAlike, cases: cases)
    }

    static let harmlessNames = [
        "sort_key", "sortKey", "partition_key", "primary_key", "cacheKey", "max_tokens", "maxTokens", "token_type",
        "tokenType", "token_count", "total_tokens", "prompt_tokens", "completion_tokens", "Idempotency-Key",
        "Surrogate-Key", "keyword", "keywords", "key_word", "keycode", "key_size", "passage", "author", "authors",
        "passenger", "monkey", "keyboard", "tokenizer", "turkey", "secretary", "bypass", "compass", "pass_rate",
        "boarding_pass", "cookie_consent", "cookieConsent", "cookie_policy", "session_count", "session_duration",
        "auth_type", "auth_method", "signature_version", "card_type", "cardType", "gift_card", "business-card",
        "scorecard", "pin_count", "hash_tag", "hashtag", "content_hash", "commit_hash", "credit_limit", "credit_score",
        "mobile_app", "is_mobile", "cell_count", "phone_model", "passwordless", "hot_key", "translation_key", "states",
        "state_of_mind", "status", "encode", "decode", "barcode", "zipcode", "zip_code", "postcode", "country_code",
        "error_code", "status_code", "promo_code", "area_code", "lang_code", "currencycode", "codec", "tickets",
        "ticket_type", "statement", "estate", "sidebar", "inside", "president", "spin", "opinion", "pinterest",
        "shipping", "option",
        "sigma", "signal", "design", "assign", "signup", "authority", "credible", "classpath", "assortment", "ssoil",
        "otpravka", "stan", "titan",
    ]

    private static func names() -> CorpusFamily {
        family(
            "names that only sound like it",
            harmlessNames.flatMap { name -> [CorpusCase] in
                [.target("/a?\(name)=value7&x=1"), .header("X-Data", "{\"\(name)\":\"value7\"}")]
            })
    }

    private static func values() -> CorpusFamily {
        family(
            "values of browsers and servers",
            [
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.5.0",
                "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007) AppleWebKit/537.36",
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
                "gzip, deflate, br, zstd", "en-US,en;q=0.5", "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "no-cache",
                "\"Chromium\";v=\"126\", \"Google Chrome\";v=\"126\", \"Not-A.Brand\";v=\"8\"", "?0", "\"Linux\"",
                "max-age=0", "https://example.com/a/b?page=2&sort=asc",
                "W/\"33a64df551425fcc55e4d42a148795d9f25f89d4\"",
                "Tue, 24 Nov 2026 08:00:00 GMT", "bytes=0-1023", "application/json; charset=utf-8",
                "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "203.0.113.7, 10.0.0.1",
                "for=192.0.2.60;proto=http;by=203.0.113.43", "1.1 varnish, 1.1 cache-fra",
                "Root=1-5759e988-bd862e3fe1be46a994272793", "u=1, i", "trailers", "SAMEORIGIN", "Basic training course",
                "basic instructions", "bearer of news", "The bearer has it", "eyJ", "eye", "10:30", "16:9", "C:/Users",
                "C:\\Users\\me", "monkey=1", "keyboard: qwerty", "author=me", "AKIA", "ghp_", "sk-", "SG.", "npm_",
                "SK",
                "a@b", "user@localhost", "@mention", "foo@", "$12.99", "50%25 off", "100%", "a+b=c", "x==y",
                "http://localhost:8080/a:b", "urn:isbn:0451450523", "data:image/png", "mailto:", "tel:+123",
                "{\"a\":1,\"b\":[2,3]}", "SELECT 1", "a;b;c", "q=0.8", "<b>bold</b>", "naïve café", "日本語", "emoji 😀",
                "0.4539578763621486", "-33.8688,151.2093", "1e10", "v1.2.3-beta.4", "2026-11-24T08:00:00Z",
                "git@github.com:apple/swift.git", "logo@2x.png", "hero@3x.webp", "react@18.2.0", "app@latest.js",
                "+1", "+100", "C++11", "UTC+01:00", "12-34-5678", "1234-56-7890", "id: 000-12-3456",
            ].map { .header("X-Custom", $0) })
    }

    private static func targets(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "addresses of pages",
            [
                "/orders/1234567890123456", "/@user/post", "/a@b", "/time/10:30", "/a:b/c", "/v1.2.3/file.tar.gz",
                "/x?ratio=16:9", "/x?t=10:30:00", "/x?u=https://e.org/a%3Fpage=2", "/share/42",
                "/share/summer-photos-2026",
                "/invite/friends", "/verify/email", "/reset/password", "/confirm/order/12345",
                "/hooks/use-state-in-react",
                "/unsubscribe/newsletter", "/login/oauth", "/share/twitter", "/magic/mushrooms", "/activate/card",
                "/register/step-2", "/join/us", "/private/area", "/code/examples", "/callback/ok", "/ticket/12345",
                "/img/logo@2x.png", "/pkg/react@18.2.0/index.js", "/?state=CA", "/?state=in_progress", "/?state=Bayern",
                "/?code=DE", "/?code=SAVE20", "/?code=SUMMER2026", "/?code=404", "/?ticket=JIRA-1234",
                "/?ticket=12345678",
                "/?state=open&sort=asc", "/map?state=new-york", "/?nonce=1", "/docs/oauth2/scopes",
                "/blog/how-to-reset-your-password",
                "/blog/verify/what-it-means-to-verify", "/wiki/Special:Search?search=token+ring", "/a?q=password",
                "/a?q=reset+password",
                "/a?tags[]=key&tags[]=secret", "/a?tel=yes", "/a?mobile=1", "/a?phone=iphone-15", "/a?fax=no",
                "/a?cell=B12",
            ].map { .target($0) }
                + (0..<10).map { _ in .target("/commit/\(random.text("<h40>"))") }
                + (0..<10).map { _ in .target("/products/\(random.text("<h8>-<h4>-4<h3>-a<h3>-<h12>"))") })
    }

    private static func numbers(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "numbers",
            (0..<200).map { _ in .header("X-Ean", random.ean13()) }
                + (0..<20).flatMap { _ -> [CorpusCase] in
                    [
                        .target("/orders/\(random.notLuhn("4", 16))"),
                        .header("X-Custom", "1795\(random.text("<d15>"))"),
                        .target("/t?ts=17\(random.text("<d11>"))"), .target("/r?_=0.\(random.text("4<d15>"))"),
                        .header("X-Custom", "\(random.text("11<d17>"))"),
                        .header("X-Custom", random.text("978-3-16-<d6>-0")),
                    ]
                })
    }

    private static func identifiers(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "identifiers",
            (0..<15).flatMap { _ -> [CorpusCase] in
                [
                    .header("X-Request-Id", random.text("<h8>-<h4>-4<h3>-a<h3>-<h12>")),
                    .header("X-Trace-Id", random.text("<h32>")),
                    .header("X-Amzn-Trace-Id", random.text("Root=1-<h8>-<h24>")),
                    .header("X-Request-Id", random.text("01<U24>")), .header("Etag", random.text("\"<h20>\"")),
                    .target(random.text("/items/<a11>")), .target(random.text("/v/<h24>/view")),
                ]
            })
    }

    private static func slugs(_ random: inout SeededGenerator) -> CorpusFamily {
        let prefixes = [
            "sk-", "glpat-", "ghp_", "npm_", "key-", "hf_", "secret_", "pat", "xoxb-", "dapi", "SK", "AC", "rk_",
            "api-",
            "sdk-", "pul-", "ico-", "md-", "gsk_", "xai-", "co_", "r8_",
        ]
        let words = [
            "learn", "guide", "for", "swift", "users", "library", "config", "settings", "skating", "modern", "tools",
        ]
        return family(
            "slugs that begin like a key",
            prefixes.flatMap { prefix -> [CorpusCase] in
                (0..<3).map { _ in
                    let slug = prefix + (0..<6).map { _ in random.pick(words) }.joined(separator: "-")
                    return random.pick([.target("/blog/\(slug)"), .header("X-Custom", slug)])
                }
            })
    }

    private static func hashes(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "hashes of contents",
            (0..<10).flatMap { _ -> [CorpusCase] in
                [
                    .target(random.text("/assets/app.<h8>.js")), .target(random.text("/assets/app-<a8>.css")),
                    .target(random.text("/static/<h32>/logo.svg")),
                    .target(random.text("/_next/static/<b21>/_buildManifest.js")),
                    .header("If-None-Match", random.text("W/\"<h40>\"")), .target(random.text("/blob/<h40>/README.md")),
                    .header("Digest", random.text("sha-256=<h64>")),
                ]
            })
    }

    private static func files() -> CorpusFamily {
        family(
            "files and packages",
            [
                "/img/hero@2x.png", "/img/hero@3x.jpg", "/i/icon@1x.svg", "/npm/vue@3.4.21/dist/vue.global.js",
                "/gh/user/repo@1.2.3/a.css", "/@scope/pkg/index.mjs", "/fonts/a.woff2", "/key.png", "/token.html",
                "/secrets.html",
                "/passwords/tips.html", "/cookie/recipes", "/session/schedule.pdf", "/keys", "/tokens/list",
            ].map { .target($0) })
    }

    private static func codes(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "short codes",
            (0..<10).flatMap { _ -> [CorpusCase] in
                [
                    .target("/?code=\(random.text("<u6>"))"), .target("/?coupon=\(random.text("<u4><d2>"))"),
                    .target("/?sku=\(random.text("<u2>-<d5>"))"), .target("/?state=\(random.text("<s7>"))"),
                    .target("/?q=\(random.text("<s6>+<s8>"))"), .target("/p/\(random.text("<u3><d4>"))"),
                ]
            })
    }

    private static func encodings(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "base64 and hex of harmless texts",
            [
                "a text that says nothing of anybody", "{\"page\":2,\"sort\":\"asc\"}", "user=me&lang=de",
                "The quick brown fox jumps over the lazy dog", "<svg xmlns='http://www.w3.org/2000/svg'></svg>",
            ].flatMap { text -> [CorpusCase] in
                let base64 = Data(text.utf8).base64EncodedString()
                return [
                    .header("X-Data", base64),
                    .target("/a?d=\(base64.replacing("=", with: ""))".replacing("+", with: "-")),
                    .header("X-Data", Data(text.utf8).map { String(format: "%02x", $0) }.joined()),
                ]
            } + (0..<20).map { _ in .header("X-Data", random.text("<b22>")) })
    }
}
