import Foundation

/// Cases in which a filter has to guess.
enum CorpusHard {
    static func families(_ random: inout SeededGenerator) -> [CorpusFamily] {
        [
            paths(&random), languages(&random), escapes(&random), encoded(&random), ends(&random), cards(&random),
            telephones(&random), accounts(&random), mails(&random), withoutPrefix(&random), privateKeys(&random),
            cuts(&random), places(&random),
        ]
    }

    private static func family(_ name: String, _ cases: [CorpusCase]) -> CorpusFamily {
        CorpusFamily(name: name, kind: .hard, cases: cases)
    }

    private static func paths(_ random: inout SeededGenerator) -> CorpusFamily {
        let places = [
            "/reset/*", "/reset/*/", "/password-reset/MQ/*/", "/accounts/verify_email/*", "/confirm/*", "/activate/*",
            "/invite/*", "/invitations/*/accept", "/magic-link/*", "/unsubscribe/*", "/share/*", "/hooks/*",
            "/webhooks/incoming/*", "/api/hooks/slack/T00/B00/*", "/calendar/private/*/basic.ics", "/token/*",
            "/auth/verify/*", "/u/recover/*", "/signup/confirmation/*", "/login/magic/*", "/api-key/*/delete",
            "/signup/confirm/*",
        ]
        let shapes = [
            "<a24>", "<h32>", "<b43>", "<h8>-<h4>-4<h3>-a<h3>-<h12>", "<L12>", "<s2><d1><s1>-<h20>", "<l10>_<d1><l11>",
        ]
        return family(
            "secrets in paths",
            places.flatMap { place -> [CorpusCase] in
                let first = random.text(random.pick(shapes))
                let second = random.text(random.pick(shapes))
                return [
                    .target(place.replacing("*", with: first), first),
                    .header("Referer", "https://e.org\(place.replacing("*", with: second))?a=1", second),
                ]
            }
                + (0..<3).map { _ in
                    let code = random.text("<d6>"); return .target("/verify/\(code)", code)
                })
    }

    private static func languages(_ random: inout SeededGenerator) -> CorpusFamily {
        let names = [
            "senha", "novaSenha", "contraseña", "clave", "passwort", "Kennwort", "mot de passe", "mot_de_passe",
            "motdepasse", "wachtwoord", "hasło", "şifre", "пароль", "Пароль", "密码", "密碼", "パスワード", "비밀번호",
            "كلمة المرور", "mdp", "ｐａｓｓｗｏｒｄ",
        ]
        return family(
            "names in other languages",
            names.flatMap { name -> [CorpusCase] in
                let secret = random.password()
                let escaped = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? name
                return [
                    .target("/login?\(escaped)=\(secret)&x=1", secret),
                    .header("X-Data", "{\"\(name)\":\"\(secret)\"}", secret),
                    .header("X-Log", "\(name): \(secret)", secret),
                ]
            })
    }

    private static func escapes(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "escapes",
            (0..<4).flatMap { _ -> [CorpusCase] in
                let secret = random.password()
                return [
                    "{\"\\u0070assword\":\"\(secret)\"}", "{\"pass\\u0077ord\":\"\(secret)\"}",
                    "{\\u0022token\\u0022:\\u0022\(secret)\\u0022}", "&#112;assword=\(secret)", "&#x74;oken=\(secret)",
                    "{&quot;password&quot;:&quot;\(secret)&quot;}", "<password>\(secret)</password>",
                    "<wsse:Password Type=\"x\">\(secret)</wsse:Password>", "<login token=\"\(secret)\"/>",
                    "<Token><![CDATA[\(secret)]]></Token>", "?a=1&amp;token=\(secret)&amp;b=2",
                    "{\\\\\\\"password\\\\\\\":\\\\\\\"\(secret)\\\\\\\"}", "pass\u{200B}word=\(secret)",
                    "{\"password\":\"a\\\"\(secret)\"}",
                ].map { .header("X-Data", $0, secret) }
            })
    }

    private static func encoded(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "base64 and hex",
            (0..<5).flatMap { _ -> [CorpusCase] in
                let secret = random.password()
                return [
                    "password=\(secret)", "{\"user\":\"a\",\"password\":\"\(secret)\"}", "api_key=\(secret)&b=1",
                    "token: \(secret)",
                ].flatMap { plain -> [CorpusCase] in
                    let data = Data(plain.utf8)
                    let base64 = data.base64EncodedString()
                    let url = base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
                    let hex = data.map { String(format: "%02x", $0) }.joined()
                    return [
                        .header("X-Data", base64, String(base64.prefix(12))),
                        .target("/a?d=\(url)&x=1", String(url.prefix(12))),
                        .header("X-Data", "hex \(hex)", String(hex.prefix(16))),
                    ]
                }
            })
    }

    private static func ends(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "values that could end early",
            (0..<4).flatMap { _ -> [CorpusCase] in
                let secret = random.password()
                return [
                    .header("Referer", "https://user:a%2F\(secret)@e.org/", secret),
                    .header("Referer", "https://user:a%23\(secret)@e.org/", secret),
                    .header("Referer", "https://user:p@\(secret)@e.org/", secret),
                    .header("X-Data", "password=a&\(secret)", secret),
                    .header("X-Data", "password=a,\(secret)", secret),
                    .header("X-Data", "password=a;\(secret)", secret),
                    .header("X-Data", "password=a)\(secret)", secret),
                    .header("X-Data", "password=a?\(secret)", secret),
                    .header("X-Data", "password=a#\(secret)", secret),
                    .target("/?password=x%26\(secret)&y=1", secret), .target("/?token=a,b;c(d)?/\(secret)", secret),
                    .target("/?password=a\"\(secret)&y=1", secret), .target("/?password=a'\(secret)", secret),
                    .header("X-Log", "Authorization: Digest username=\"a\", response=\"\(secret)\"", secret),
                    .header("X-Data", "password=>\"\(secret)\"", secret),
                    .header("X-Data", "password == \(secret)", secret),
                ]
            })
    }

    private static func cards(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "cards with more around them",
            (0..<6).flatMap { _ -> [CorpusCase] in
                let card = random.luhn("4", 16)
                let groups = stride(from: 0, to: 16, by: 4).map { String(card.dropFirst($0).prefix(4)) }
                let tail = String(card.suffix(9))
                let american = random.luhn("37", 15)
                return [
                    .header("X-Data", "\(american)1227", String(american.suffix(9))),
                    .target("/p?n=\(card)123", tail),
                    .header("X-Data", "\(card) 12/27 123", tail), .header("X-Data", "\(card)1227", tail),
                    .header("X-Data", "\(groups.joined(separator: " ")) 1227 123", groups[0] + " " + groups[1]),
                    .header("X-Data", "card\(card)", tail), .header("X-Data", "\(card)x", tail),
                    .header("X-Data", groups.joined(separator: "."), groups[0] + "." + groups[1]),
                    .header("X-Data", groups.joined(separator: "\u{A0}"), groups[0] + "\u{A0}" + groups[1]),
                    .header("X-Data", "\(card)|12|27|123", tail), .header("X-Data", "12/27 \(card)", tail),
                    .target("/p?n=\(groups.joined(separator: "%C2%A0"))", groups[0] + "%C2%A0" + groups[1]),
                ]
            })
    }

    private static func telephones(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "telephone numbers",
            (0..<5).flatMap { _ -> [CorpusCase] in
                let german = random.text("17<d8>")
                let american = random.text("21<d1>55<d5>")
                let local = random.text("9<d7>")
                return [
                    .header("X-User", "+49\(german)", german), .header("X-User", "call +1\(american)!", american),
                    .target("/s?q=%2B49\(german)", german),
                    .header(
                        "X-User", "+1 (\(american.prefix(3))) \(american.dropFirst(3).prefix(3))-\(american.suffix(4))",
                        String(american.suffix(4))),
                    .target("/s?phone=\(local)", local), .header("X-Data", "{\"mobile\":\"\(local)\"}", local),
                    .header("X-Phone-Number", local, local), .target("/s?tel=0\(german)&x=1", german),
                ]
            })
    }

    private static func accounts(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "account and social security numbers",
            (0..<4).flatMap { _ -> [CorpusCase] in
                let german = random.iban("DE", "<d18>")
                let british = random.iban("GB", "<u4><d14>")
                let dutch = random.iban("NL", "<u4><d10>")
                let spaced = stride(from: 0, to: german.count, by: 4).map { String(german.dropFirst($0).prefix(4)) }
                    .joined(separator: " ")
                let social =
                    "\(Int.random(in: 100...665, using: &random))-\(Int.random(in: 10...99, using: &random))-\(random.text("1<d3>"))"
                return [
                    .header("X-Data", german, String(german.suffix(10))),
                    .target("/pay?to=\(british)", String(british.suffix(10))),
                    .header("X-Data", "from \(dutch).", String(dutch.suffix(10))),
                    .header("X-Data", spaced, String(spaced.suffix(9))),
                    .header("X-Data", social, social), .target("/s?q=\(social)", social),
                    .header("X-Data", "ssn \(social.replacing("-", with: " "))", social.replacing("-", with: " ")),
                ]
            })
    }

    private static func mails(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "unusual e-mail addresses",
            (0..<4).flatMap { _ -> [CorpusCase] in
                let name = random.text("<s9>")
                return [
                    "\(name)@müller.de", "\(name)@пример.рф", "\"\(name) x\"@example.com", "\(name)@[192.168.0.1]",
                    "\(name)@[IPv6:2001:db8::1]", "\(name)@192.168.0.1", "\(name)@xn--mller-kva.de",
                    "mailto:\(name)@e.org",
                    "jürgen.\(name)@example.com", "\(name)&#64;example.com", "\(name)\\u0040example.com",
                ].map { .header("X-User", $0, name) }
            })
    }

    private static func withoutPrefix(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "keys without a prefix of their own",
            (0..<5).flatMap { _ -> [CorpusCase] in
                let telegram = random.text("<d10>:AA<b33>")
                let discord = random.text("M<a25>.<b6>.<b38>")
                let aws = random.text("<B40>")
                let mailgun = random.text("<h32>-<h8>-<h8>")
                let azure = random.text("<a3>8Q~<b34>")
                return [
                    .header("X-Data", telegram, String(telegram.suffix(20))),
                    .target("/bot\(telegram)/getMe", String(telegram.suffix(20))),
                    .header("X-Data", discord, String(discord.suffix(20))), .header("X-Data", aws, aws),
                    .header("X-Data", mailgun, mailgun), .header("X-Data", azure, String(azure.suffix(20))),
                    .header(
                        "X-Data",
                        "hooks at https://hooks.slack.com/services/T\(random.text("<U9>"))/B0/\(aws.prefix(0))\(telegram.suffix(24))",
                        String(telegram.suffix(20))),
                ]
            })
    }

    private static func privateKeys(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "private keys",
            ["RSA ", "", "OPENSSH ", "EC ", "ENCRYPTED "].flatMap { kind -> [CorpusCase] in
                let body = random.text("<B64>")
                let begin = "-----BEGIN \(kind)PRIVATE KEY-----"
                let end = "-----END \(kind)PRIVATE KEY-----"
                return [
                    .header("X-Data", "\(begin) \(body) \(end)", body),
                    .header("X-Data", "\(begin)\\n\(body)\\n\(end)", body),
                    .target(
                        "/s?k=\(begin.replacing(" ", with: "+"))%0A\(body.replacing("/", with: "").replacing("+", with: ""))",
                        String(body.filter { $0 != "/" && $0 != "+" }.suffix(12))),
                    .header("X-Data", "\(begin) \(body)", body),
                ]
            })
    }

    /// Secrets that straddle the point where a value is truncated.
    private static func cuts(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "across the cut",
            (0..<4).flatMap { index -> [CorpusCase] in
                let card = random.luhn("4", 16)
                let mail = random.text("<s12>")
                let key = random.text("ghp_<a36>")
                func padded(_ text: String, _ before: Int) -> String {
                    String(repeating: "some words ", count: 1000).prefix(8192 - before) + " " + text
                }
                return [
                    .header("X-Data", padded(card, 10 + index), String(card.prefix(8))),
                    .header("X-Data", padded("\(mail)@example.com", 14 + index), String(mail.prefix(8))),
                    .header("X-Data", padded(key, 20 + index), String(key.prefix(12))),
                ]
            })
    }

    private static func places(_ random: inout SeededGenerator) -> CorpusFamily {
        family(
            "odd places",
            (0..<4).flatMap { _ -> [CorpusCase] in
                let secret = random.password()
                return [
                    .target("/a;password=\(secret)/b?c=d", secret), .target("/a?x[token]=\(secret)", secret),
                    .target("/a?filter%5Bapi_key%5D=\(secret)", secret), .target("/a?a=1;token=\(secret)", secret),
                    .header("X-Forwarded-Uri", "/a/b?token=\(secret)", secret),
                    .header("Forwarded", "for=1.2.3.4;secret=\(secret)", secret),
                    .header("X-Data", "a=1|password=\(secret)|b=2", secret),
                    .header("X-Data", "--password \(secret)".replacing(" ", with: "="), secret),
                    .header("X-Data", "PASSWORD=\(secret)", secret),
                    .header("Referer", "https://e.org/#access_token=\(secret)&x=1", secret),
                ]
            })
    }
}
