import Foundation
import Testing

@testable import TrackerCore

/// Prints leaks and false positives by family, so that a change shows where it helps and where it hurts.
@Suite("The corpus under the default policy")
struct CorpusTests {
    private static func families(seed: UInt64 = 20_261_126) -> [CorpusFamily] {
        var random = SeededGenerator(seed: seed)
        return CorpusSecrets.families(&random) + CorpusHard.families(&random) + CorpusLookAlikes.families(&random)
    }

    private static func event(_ request: CorpusCase, _ privacy: PrivacyPolicy, _ style: EventStyle = .router) -> String
    {
        let snapshot = RequestSnapshot(
            method: "GET", target: request.target, headers: RequestHeaders([("Host", "e.org")] + request.headers),
            style: style)
        return String(decoding: EventEncoderTests.encode(snapshot, privacy: privacy), as: UTF8.self)
    }

    private static func has(_ event: String, _ secret: String) -> Bool {
        event.contains(secret) || (event.removingPercentEncoding ?? "").contains(secret)
            || event.replacing("\\\"", with: "\"").contains(secret)
    }

    private static func bad(_ family: CorpusFamily) -> [CorpusCase] {
        family.cases.filter { request in
            if family.kind == .lookAlike { return event(request, .standard) != event(request, .none) }
            return [EventStyle.router, .cgi].contains { has(event(request, .standard, $0), request.secret) }
        }
    }

    @Test("has secrets and look-alikes enough, from at least three random values a family")
    func size() {
        let families = Self.families()
        let count = { (kinds: [CorpusFamily.Kind]) in
            families.filter { kinds.contains($0.kind) }.reduce(0) { $0 + $1.cases.count }
        }
        #expect(count([.common, .hard]) >= 600)
        #expect(count([.lookAlike]) >= 600)
        for family in families where family.kind != .lookAlike {
            #expect(Set(family.cases.map(\.secret)).count >= 3, "\(family.name)")
        }
        let others = Self.families(seed: 1)
        for (one, other) in zip(families, others) where one.kind != .lookAlike {
            #expect(Set(one.cases.map(\.secret)) != Set(other.cases.map(\.secret)), "\(one.name)")
        }
    }

    @Test("would leak all of its secrets without a filter")
    func isReal() {
        for family in Self.families() where family.kind != .lookAlike {
            for request in family.cases {
                let cut = family.name == "across the cut"
                #expect(cut || Self.has(Self.event(request, .none), request.secret), "\(family.name): \(request)")
            }
        }
    }

    @Test("leaks no common secret, one hard one in ten at most, and damages no look-alike", arguments: [20_261_126, 7])
    func families(seed: UInt64) {
        var counts: [CorpusFamily.Kind: (bad: Int, all: Int)] = [:]
        var report = ""
        for family in Self.families(seed: seed) {
            let bad = Self.bad(family)
            counts[family.kind, default: (0, 0)].bad += bad.count
            counts[family.kind, default: (0, 0)].all += family.cases.count
            let what = family.kind == .lookAlike ? "damaged" : "leaked"
            report += "\(family.kind) \(family.name): \(what) \(bad.count) of \(family.cases.count)\n"
            if family.kind != .hard {
                for request in bad { #expect(Bool(false), "\(what), \(family.name): \(request)") }
            }
        }
        print(report)
        let hard = counts[.hard] ?? (1, 1)
        #expect(hard.bad * 10 <= hard.all, "\(hard)")
    }
}
