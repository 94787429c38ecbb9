import Foundation
import TestSupport
import Testing

@testable import TrackerCore

@Suite("Each entry of the filter's lists")
struct PrivacyListTests {
    private func event(
        target: String = "/", _ headers: [(name: String, value: String)] = [], _ privacy: PrivacyPolicy = .standard
    ) -> String {
        let snapshot = RequestSnapshot(
            method: "GET", target: target, headers: RequestHeaders([("Host", "e.org")] + headers))
        return String(decoding: EventEncoderTests.encode(snapshot, privacy: privacy), as: UTF8.self)
    }

    private let secret = "Zq7hunter2Vx"

    /// Returns the spellings in a query: with underscores, as one word, in camel case.
    private func spellings(_ words: String) -> Set<String> {
        let parts = words.split(separator: " ")
        let camel = (parts.prefix(1) + parts.dropFirst().map { $0.capitalized[...] }).joined()
        return [parts.joined(separator: "_"), parts.joined(separator: "-"), parts.joined(), camel]
    }

    private func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["_", "-"])) ?? text
    }

    @Test("is in the fixture, and vice versa")
    func complete() {
        var lists: [String: Set<String>] = [
            "formats": Set(SecretFormat.all.map(\.name)), "address headers": ClientAddresses.headers,
            "harmless headers": PrivacyPolicy.harmlessHeaders, "path words": Set(SensitivePath.words),
            "path numericWords": Set(SensitivePath.numericWords), "path callbacks": Set(SensitivePath.callbacks),
            "authentication schemes": Set(AuthenticationScheme.all),
            "account lengths": Set(BankAccount.countries.map { "\($0.country) \($0.length)" }),
        ]
        for name in SensitiveName.all { lists["name \(name.meaning) \(name.place)", default: []].formUnion(name.words) }
        #expect(Set(lists.keys) == Set(PrivacyLists.sections.keys))
        for (section, entries) in lists { #expect(entries == Set(PrivacyLists.sections[section] ?? []), "\(section)") }
    }

    @Test("of names of secrets hides the value, in a query, a header and JSON")
    func names() {
        for (words, place) in PrivacyLists.names(.secret) + PrivacyLists.names(.secretLine) {
            for name in spellings(words) {
                #expect(!event(target: "/?a=1&\(encoded(name))=\(secret)&b=2").contains(secret), "\(name)")
                #expect(!event([("X-Data", "{\"\(name)\":\"\(secret)\"}")]).contains(secret), "\(name)")
                #expect(!event([("X-Data", "a: 1; \(name.uppercased()): \(secret)")]).contains(secret), "\(name)")
                guard name.utf8.allSatisfy({ $0 < 0x80 }), !name.contains("_") else { continue }
                #expect(!event([(name, secret)]).contains(secret), "\(name)")
            }
            let joined = words.replacing(" ", with: "")
            guard joined.utf8.allSatisfy({ $0 < 0x80 }) else { continue }
            if place == .ending || place == .anywhere {
                #expect(!event(target: "/?my\(joined)=\(secret)").contains(secret), "my\(joined)")
            }
            if place == .anywhere {
                #expect(!event(target: "/?my\(joined)again=\(secret)").contains(secret), "my\(joined)again")
            }
            guard place != .whole else { continue }
            #expect(!event(target: "/?\(joined)2=\(secret)").contains(secret), "\(joined)2")
            #expect(!event(target: "/?a_\(joined)_b=\(secret)").contains(secret), "a_\(joined)_b")
        }
    }

    @Test("of names of logins hides what looks random, and nothing else")
    func logins() {
        for (words, _) in PrivacyLists.names(.conditional) {
            for name in spellings(words) {
                #expect(!event(target: "/?\(name)=\(secret)aZ81").contains(secret), "\(name)")
                #expect(event(target: "/?\(name)=open&b=1").contains("\(name)=open&"), "\(name)")
                #expect(!event(target: "/auth/callback?\(name)=open&b=1").contains("=open"), "\(name)")
                guard !name.contains("_") else { continue }
                #expect(!event([(name, "\(secret)aZ81")]).contains(secret), "\(name)")
                #expect(event([(name, "open")]).contains("open"), "\(name)")
            }
        }
    }

    @Test("of names of telephones hides numbers, and nothing else")
    func telephones() {
        for (words, _) in PrivacyLists.names(.phone) {
            for name in spellings(words) {
                #expect(!event(target: "/?\(encoded(name))=01701234567").contains("1701234567"), "\(name)")
                #expect(event(target: "/?\(encoded(name))=yes").contains("=yes"), "\(name)")
                guard name.utf8.allSatisfy({ $0 < 0x80 }), !name.contains("_") else { continue }
                #expect(!event([(name, "0170 1234567")]).contains("1234567"), "\(name)")
                #expect(event([(name, "none")]).contains("none"), "\(name)")
            }
        }
    }

    @Test("of harmless names leaves the value")
    func harmless() {
        for (words, _) in PrivacyLists.names(.harmless) {
            for name in spellings(words) {
                #expect(event(target: "/?\(name)=value7&b=1").contains("=value7&b=1"), "\(name)")
                guard !name.contains("_") else { continue }
                #expect(event([(name, "value7")]).contains("value7"), "\(name)")
            }
        }
    }

    @Test("of telling words in paths hides the random segment behind it, and no word")
    func paths() {
        let tokens = ["4f8Gh2kLp9QzX7vB3nMc", "0b66c26a1f4c4f418e8f0afcbc22d24b"]
        for words in PrivacyLists.sections["path words"] ?? [] {
            for name in spellings(words) {
                for token in tokens { #expect(!event(target: "/a/\(name)/\(token)/b").contains(token), "\(name)") }
                #expect(event(target: "/a/\(name)/plain-words/b").contains("plain-words"), "\(name)")
            }
        }
        for words in PrivacyLists.sections["path numericWords"] ?? [] {
            for name in spellings(words) { #expect(!event(target: "/\(name)/482913").contains("482913"), "\(name)") }
        }
        for words in PrivacyLists.sections["path callbacks"] ?? [] {
            for name in spellings(words) {
                #expect(!event(target: "/\(name)?state=plain").contains("plain"), "\(name)")
            }
        }
    }

    @Test("of formats finds its example and leaves its look-alike")
    func formats() {
        let wanted = PrivacyLists.sections["formats"] ?? []
        #expect(wanted.count >= 160)
        for format in SecretFormat.all {
            let lead = String("abcDE1ghij2345".prefix(format.lead))
            let key = lead + format.prefix + format.match
            for text in [key, "a \(key), b", "{\"a\":\"\(key)\"}"] {
                #expect(!event([("X-Data", text)]).contains(format.match.suffix(8)), "\(format.name): \(text)")
            }
            #expect(event([("X-Data", format.lookAlike)]).contains(format.lookAlike), "\(format.name)")
            #expect(!format.source.isEmpty)
            guard let first = format.prefix.utf8.first, ASCII.isLetterOrDigit(first), format.lead == 0 else {
                continue
            }
            let inside = "x" + format.lookAlike
            #expect(event([("X-Data", inside)]).contains(inside), "\(format.name)")
        }
    }

    @Test("of the headers with addresses of clients is shortened, left out or kept, as asked")
    func addresses() {
        for name in PrivacyLists.sections["address headers"] ?? [] {
            var privacy = PrivacyPolicy.standard
            #expect(event([(name, "203.0.113.7")], privacy).contains("203.0.113.7"), "\(name)")
            privacy.addresses = .truncate
            let truncated = event([(name, "203.0.113.7")], privacy)
            #expect(truncated.contains("203.0.113.0") && !truncated.contains("203.0.113.7"), "\(name)")
            let six = event([(name.uppercased(), "2001:db8:1:2::7")], privacy)
            #expect(six.contains("2001:db8:1::") && !six.contains("::7"), "\(name)")
            privacy.addresses = .omit
            let variable = "HTTP_" + name.uppercased().replacing("-", with: "_")
            #expect(!event([(name, "203.0.113.7")], privacy).contains(variable), "\(name)")
        }
    }

    @Test("of the harmless headers keeps its value when only those do")
    func harmlessHeaders() {
        for name in PrivacyLists.sections["harmless headers"] ?? [] where name != "host" {
            #expect(event([(name, "value7")], .strict).contains("value7"), "\(name)")
        }
        #expect(!event([("X-Other", "value7")], .strict).contains("value7"))
    }

    @Test("of authentication schemes are not secrets, but what follows them is")
    func schemes() {
        for scheme in PrivacyLists.sections["authentication schemes"] ?? [] {
            let text = event([("X-Log", "authorization: \(scheme) a=\"1\", b=\"\(secret)\"")])
            let listed = ["digest", "aws4-hmac-sha256", "signature", "hawk", "oauth", "hmac", "scram-sha-256"]
            if listed.contains(scheme) { #expect(!text.contains(secret), "\(scheme)") }
            #expect(!event([("X-Log", "authorization: \(scheme) \(secret)")]).contains(secret), "\(scheme)")
        }
    }

    @Test("of countries' account numbers has its length")
    func accounts() throws {
        var random = SeededGenerator(seed: 5)
        // Twenty digits may be a card number with its expiry date.
        var privacy = PrivacyPolicy.standard
        privacy.kept = .card
        for entry in PrivacyLists.sections["account lengths"] ?? [] {
            let parts = entry.split(separator: " ")
            let length = try #require(Int(parts[1]))
            let account = random.iban(String(parts[0]), "<d\(length - 4)>")
            #expect(!event([("X-Data", account)]).contains(account), "\(account)")
            let wrong = String(account.dropLast()) + (account.hasSuffix("1") ? "2" : "1")
            #expect(event([("X-Data", wrong)], privacy).contains(wrong), "\(wrong)")
            let longer = random.iban(String(parts[0]), "<d\(length - 3)>")
            #expect(event([("X-Data", longer)], privacy).contains(longer), "\(longer)")
        }
        // A group that begins like an account number, but with no country's code, is a part of this one.
        #expect(!event([("X-Data", "FR41 2004 1010 0505 ZZ12 3M02 606")]).contains("2004"))
    }

    @Test("of kinds of personal data is left if it is kept, and the others not")
    func kept() {
        let examples: [(PersonalData, String)] = [
            (.email, "bob.smith@example.com"), (.phone, "+4917012345678"), (.iban, "DE89370400440532013000"),
            (.ssn, "219-09-9998"), (.card, "4111111111111111"),
        ]
        #expect(examples.count == PersonalData.named.count)
        for (kind, _) in examples {
            var privacy = PrivacyPolicy.standard
            privacy.kept = kind
            for (other, text) in examples {
                #expect(event([("X-Data", text)], privacy).contains(text) == (other == kind), "\(text)")
            }
        }
    }
}
