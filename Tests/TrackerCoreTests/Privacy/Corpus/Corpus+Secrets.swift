import Foundation

/// Secrets that any good tracker filters.
enum CorpusSecrets {
    static func families(_ random: inout SeededGenerator) -> [CorpusFamily] {
        [
            headers(&random), parameters(&random), nested(&random), cookies(&random), json(&random), userInfo(&random),
            tokens(&random), cards(&random), mails(&random), names(&random), logins(&random),
        ] + keys(&random)
    }

    private static func family(_ name: String, _ cases: [CorpusCase]) -> CorpusFamily {
        CorpusFamily(name: name, kind: .common, cases: cases)
    }

    private static let headerNames = [
        "Authorization", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token", "X-Access-Token", "X-CSRF-Token",
        "X-XSRF-TOKEN", "X-Session-Id", "X-Client-Secret", "X-Password", "X-Hub-Signature-256", "Stripe-Signature",
        "X-Amz-Security-Token", "X-Goog-Iap-Jwt-Assertion", "X-Vault-Token", "Private-Token", "X-Shopify-Access-Token",
        "Ocp-Apim-Subscription-Key", "X-Functions-Key", "Dd-Api-Key", "X-Figma-Token", "Api-Token",
    ]

    private static func headers(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "headers of credentials",
            headerNames.flatMap { name -> [CorpusCase] in
                let secret = random.password()
                let other = random.text("<b24>")
                return [.header(name, secret, secret), .header(name.uppercased(), other, other)]
            })
    }

    private static let parameterNames = [
        "token", "access_token", "refreshToken", "id_token", "auth", "oauth_token", "password", "passwd", "pwd",
        "user[password]", "new-password", "secret", "client_secret", "api_key", "apikey", "apiKey", "key", "jwt",
        "SAMLResponse", "csrf", "session", "sessionid", "PHPSESSID", "sid", "card_number", "cvv", "signature", "sig",
        "otp", "pin", "X-Amz-Signature", "X-Amz-Credential", "tok%65n",
    ]

    private static func parameters(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "parameters",
            parameterNames.flatMap { name -> [CorpusCase] in
                let secret = random.password()
                return [
                    .target("/a?x=1&\(name)=\(secret)&y=2", secret),
                    .header("Referer", "https://shop.example/p?a=b&\(name)=\(secret)#top", secret),
                ]
            })
    }

    private static func nested(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "URLs in URLs",
            ["token", "password", "api_key", "sig", "accessToken"].flatMap { name -> [CorpusCase] in
                let secret = random.password()
                return [
                    .target("/login?next=https%3A%2F%2Fe.org%2Fb%3Fc%3D1%26\(name)%3D\(secret)%26d%3D2", secret),
                    .header("X-Original-URL", "/r?u=%252Fa%253F\(name)%253D\(secret)%2526z%253D1", secret),
                    .header("X-Deep", "/r?u=%252525253F\(name)%252525253D\(secret)", secret),
                ]
            })
    }

    private static func cookies(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "cookies",
            ["sid", "theme", "PHPSESSID", "ra_session_id", "__Host-x", "a.b"].flatMap { name -> [CorpusCase] in
                let secret = random.text("<a20>")
                return [
                    .header("Cookie", "x=1; \(name)=\(secret); y=2", secret), .header("Cookie", secret, secret),
                    .header("Cookie", "=\(secret)", secret),
                    .header("X-Debug", "Cookie: \(name)=1; other=\(secret)", secret),
                    .header("X-Curl", "curl -b 'x' -H 'Cookie: \(name)=1; other=\(secret)' https://e.org", secret),
                ]
            })
    }

    private static func json(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "named values in headers",
            ["password", "api_key", "accessToken", "client-secret", "sessionId"].flatMap { name -> [CorpusCase] in
                let secret = random.password()
                return [
                    "{\"user\":\"a\",\"\(name)\":\"\(secret)\",\"b\":1}", "{\"a\": 1, \"\(name)\" : \"\(secret)\"}",
                    "{\\\"\(name)\\\":\\\"\(secret)\\\"}", "{'\(name)': '\(secret)'}",
                    "{\"\(name)\":{\"value\":\"\(secret)\"}}", "%7B%22\(name)%22%3A%22\(secret)%22%7D",
                    "a=1; \(name)=\(secret); b=2", "\(name): \(secret)", "curl -H '\(name): \(secret)'",
                    "<https://e.org/?\(name)=\(secret)>; rel=next", "{\"\(name)\":[\"\(secret)\"]}",
                ].map { .header("X-Data", $0, secret) }
            })
    }

    private static func userInfo(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "passwords in URLs",
            (0..<4).flatMap { _ -> [CorpusCase] in
                let secret = random.password()
                return [
                    "https://user:\(secret)@e.org/", "redis://:\(secret)@10.0.0.1:6379/0", "ftp://\(secret)@e.org",
                    "https%3A%2F%2Fuser%3A\(secret)%40e.org%2F", "postgres://app:\(secret)@db/prod?sslmode=disable",
                ].flatMap { [.header("Referer", $0, secret), .target("/go?to=\($0)", secret)] }
            })
    }

    private static func tokens(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "tokens by their form",
            (0..<4).flatMap { _ -> [CorpusCase] in
                let payload = random.text("<b40>")
                let web = "eyJhbGciOiJIUzI1NiJ9.eyJ\(payload).\(random.text("<b43>"))"
                let bearer = random.text("<b32>")
                let basic = Data("\(random.text("<s6>")):\(random.password())".utf8).base64EncodedString()
                return [
                    .header("X-Custom", web, payload), .header("Referer", "https://e.org/u/\(web)?q=\(web)", payload),
                    .target("/s?q=\(web)&r=1", payload), .header("X-Log", "sent Bearer \(bearer), thanks", bearer),
                    .header("X-Log", "bearer \(bearer)", bearer), .target("/s?q=Bearer%20\(bearer)", bearer),
                    .header("X-Log", "Basic \(basic)", basic), .target("/s?h=Basic+\(basic)", basic),
                ]
            })
    }

    private static func cards(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "cards",
            (0..<12).flatMap { _ -> [CorpusCase] in
                let card = random.card()
                let sizes = card.count == 15 ? [4, 6, 5] : card.count == 14 ? [4, 6, 4] : [4, 4, 4, 4]
                var rest = card[...]
                let groups = sizes.map { size -> String in
                    defer { rest = rest.dropFirst(size) }
                    return String(rest.prefix(size))
                }
                let tail = String(card.suffix(9))
                return [
                    .header("X-Custom", card, tail), .target("/pay?n=\(card)&x=1", tail),
                    .header(
                        "X-Custom", "paid with \(groups.joined(separator: " ")), thanks", groups[0] + " " + groups[1]),
                    .target("/pay?n=\(groups.joined(separator: "-"))", groups[0] + "-" + groups[1]),
                ]
            })
    }

    private static func mails(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "e-mail addresses",
            (0..<6).flatMap { _ -> [CorpusCase] in
                let name = random.text("<s4>.<s7>")
                return [
                    .header("X-User", "\(name)@example.com", name),
                    .header("From", "<\(name)+tag@mail.example.co.uk>", name),
                    .target("/s?u=\(name)%40example.org", name), .target("/u/\(name)@example.org/x", name),
                ]
            })
    }

    /// Names whose sensitive word is a suffix or a plural, is followed by digits, or starts with a capital.
    private static func names(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "spellings of names",
            [
                "password1", "newpassword", "oldpasswd", "apitoken", "sessiontoken", "wstoken", "licensekey",
                "authcode",
                "appkey", "userpwd", "clientsecret2", "tokens", "api_keys", "secrets", "passwords", "accesstoken",
                "resettoken", "devicetoken", "mySecret", "userApiKey", "APIKEY2", "passwordConfirmation", "smscode",
                "ssoToken", "streamkey", "dbpassword", "credentials", "jwtToken", "verificationCode", "otp_code",
                "login.password", "user-password-2",
            ].flatMap { name -> [CorpusCase] in
                let secret = random.password()
                return [
                    .target("/a?\(name)=\(secret)", secret), .header("X-Data", "{\"\(name)\":\"\(secret)\"}", secret),
                    .header("X-" + name.replacing("_", with: "-").replacing(".", with: "-"), secret, secret),
                ]
            })
    }

    private static func logins(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "codes and states of logins",
            (0..<4).flatMap { _ -> [CorpusCase] in
                let code = random.text("4/0<b60>")
                let state = random.text("<h32>")
                let ticket = random.text("ST-<d4>-<a24>-cas")
                let short = random.text("<s8>")
                return [
                    .target("/oauth2/callback?code=\(code)&state=\(state)", state),
                    .target("/auth/callback?code=\(short)&x=1", short), .target("/?code=\(state)&state=x", state),
                    .target("/app?ticket=\(ticket)", ticket), .target("/x?nonce=\(random.text("<a22>"))z9Z&a=1", "z9Z"),
                    .header("Referer", "https://app.example/signin-oidc?state=\(short)&code=1", short),
                    .header("Referer", "https://app.example/?a=1&code=\(random.text("<b30>"))7hQ", "7hQ"),
                ]
            })
    }

    /// The prefixes of keys and what follows them, from public rule sets.
    private static let keyTemplates: [(String, [String])] = [
        ("GitHub", ["ghp_<a36>", "gho_<a36>", "ghu_<a36>", "ghs_<a36>", "ghr_<a36>", "github_pat_<a22>_<a59>"]),
        ("GitLab", ["glpat-<b20>", "gldt-<b20>", "glrt-<b20>", "glptt-<h40>"]),
        ("AWS", ["AKIA<216>", "ASIA<216>"]), ("Google", ["AIza<b35>", "ya29.<b60>", "GOCSPX-<b28>", "1//0<b80>"]),
        ("Slack", ["xoxb-<d12>-<d12>-<a24>", "xoxp-<d12>-<d12>-<d12>-<h32>", "xapp-1-A<U10>-<d13>-<h64>"]),
        ("Stripe", ["sk_live_<a24>", "rk_live_<a24>", "sk_test_<a24>", "whsec_<a32>"]),
        ("npm, PyPI and others", ["npm_<a36>", "pypi-AgEIcHlwaS5vcmc<b60>", "rubygems_<h48>", "dckr_pat_<b27>"]),
        ("Twilio and SendGrid", ["SK<h32>", "AC<h32>", "SG.<b22>.<b43>"]),
        ("mail services", ["key-<h32>", "xkeysib-<h64>-<a16>"]),
        ("Shopify and Square", ["shpat_<h32>", "shpss_<h32>", "sq0atp-<b22>", "sq0csp-<b43>", "EAAA<b60>"]),
        ("clouds", ["dop_v1_<h64>", "dapi<h32>", "hvs.<b95>", "HRKU-AA<b58>", "fo1_<b43>", "LTAI<a20>"]),
        (
            "machine learning",
            ["sk-<a48>", "sk-proj-<b74>T3BlbkFJ<b74>", "sk-ant-api03-<b93>AA", "hf_<l34>", "gsk_<a52>"]
        ),
        ("monitoring", ["NRAK-<U27>", "glsa_<a32>_<h8>", "glc_<B48>", "sntryu_<h64>", "dt0c01.<U24>.<U64>"]),
        ("work", ["lin_api_<a40>", "PMAK-<h24>-<h34>", "ntn_<d11><a35>", "figd_<b40>", "ATATT3xFfGF0<b100>=<U8>"]),
        ("social networks", ["EAAC<a120>", "EAAM<a120>"]),
        ("age", ["AGE-SECRET-KEY-1<x58>"]),
    ]

    private static func keys(_ random: inout SeededGenerator) -> [CorpusFamily] {
        keyTemplates.map { name, templates in
            family(
                "keys: \(name)",
                templates.flatMap { template -> [CorpusCase] in
                    let keys = (0..<3).map { _ in random.text(template) }
                    // Only the end of each, because the beginning is the same for all.
                    return [
                        .header("X-Custom", keys[0], String(keys[0].suffix(12))),
                        .header("X-Log", "used \(keys[1]), ok", String(keys[1].suffix(12))),
                        .target(
                            "/s?q=\(keys[2].replacing("/", with: "%2F").replacing("+", with: "%2B"))&r=1",
                            String(keys[2].suffix(8))),
                        .header("X-Log", "{\"a\":\"\(keys[2])\"}", String(keys[2].suffix(12))),
                        .target(
                            "/u/\(keys[1].replacing("/", with: "%2F").replacing("+", with: "%2B"))/x",
                            String(keys[1].suffix(8))),
                    ]
                })
        }
    }
}
