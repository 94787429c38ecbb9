import Foundation
import TestSupport
import Testing

@testable import TrackerCore

@Suite("Under the default policy")
struct LeakTests {
    private func event(
        target: String = "/", headers: [(name: String, value: String)] = [], style: EventStyle = .router
    ) -> String {
        let snapshot = RequestSnapshot(
            method: "GET", target: target, headers: RequestHeaders([("Host", "e.org")] + headers), style: style)
        return String(decoding: EventEncoderTests.encode(snapshot, privacy: .standard), as: UTF8.self)
    }

    @Test("no secret of the corpus leaves the host, in any place")
    func noLeak() {
        let cases = SecretCorpus.secrets
        #expect(cases.count >= 300)
        for secret in cases {
            for style in [EventStyle.router, .cgi] {
                let text = event(target: secret.target, headers: secret.headers, style: style)
                #expect(!text.contains(secret.secret), "\(secret): \(text)")
                #expect(text.contains("[Filtered]"), "\(secret): \(text)")
            }
        }
    }

    @Test("the corpus would leak without a filter")
    func corpusIsReal() {
        for secret in SecretCorpus.secrets {
            let snapshot = RequestSnapshot(
                method: "GET", target: secret.target,
                headers: RequestHeaders([("Host", "e.org")] + secret.headers))
            let text = String(decoding: EventEncoderTests.encode(snapshot, privacy: .none), as: UTF8.self)
            let decoded = text.replacingOccurrences(of: "\\\"", with: "\"").removingPercentEncoding ?? text
            let isThere =
                text.contains(secret.secret) || decoded.contains(secret.secret)
                || decoded.replacingOccurrences(of: "%20", with: " ").contains(secret.secret)
            #expect(isThere, "\(secret): \(text)")
        }
    }

    @Test("harmless names and values pass unchanged")
    func lookAlikes() throws {
        let targets = SecretCorpus.harmlessTargets
        let names = SecretCorpus.harmlessNames
        let values = SecretCorpus.harmlessValues
        #expect(targets.count + names.count + values.count >= 300)
        for target in targets {
            let plain = RequestSnapshot(method: "GET", target: target, headers: RequestHeaders([("Host", "e.org")]))
            #expect(
                EventEncoderTests.encode(plain, privacy: .standard) == EventEncoderTests.encode(plain, privacy: .none),
                "\(target)")
        }
        for name in names {
            // Header names with an underscore never enter an event.
            let name = name.replacingOccurrences(of: "_", with: "-")
            #expect(event(headers: [("X-" + name, "value7")]).contains("\"value7\""), "\(name)")
        }
        for value in values {
            let plain = RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([("X-Custom", value)]))
            #expect(
                EventEncoderTests.encode(plain, privacy: .standard) == EventEncoderTests.encode(plain, privacy: .none),
                "\(value)")
        }
    }

    @Test("what was found clean once is not taken for clean in another value")
    func memory() {
        for _ in 0..<3 {
            #expect(event(headers: [("X-A", "harmless value")]).contains("harmless value"))
            #expect(!event(headers: [("X-A", "token=\(SecretCorpus.secret)")]).contains(SecretCorpus.secret))
        }
    }

    @Test("a value that differs from a clean one only in its length and first byte is not taken for it")
    func memoryOfLengths() {
        for _ in 0..<3 {
            let text = event(headers: [("X-A", "522222222222"), ("X-B", "4222222222222")])
            #expect(text.contains("\"522222222222\""))
            #expect(!text.contains("4222222222222"))
        }
    }
}
