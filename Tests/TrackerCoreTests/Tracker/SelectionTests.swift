import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

@Suite("The choice of what is tracked")
struct SelectionTests {
    let transport = InMemoryTransport()

    private func tracker(_ change: (inout TrackerConfiguration) throws -> Void) throws -> Tracker {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "tok-s3cr3t")
        configuration.logHandler = { _ in }
        try change(&configuration)
        return try Tracker(configuration: configuration, transport: transport)
    }

    private func snapshot(
        _ target: String, method: String = "GET", _ headers: [(name: String, value: String)] = []
    ) -> RequestSnapshot {
        RequestSnapshot(method: method, target: target, headers: RequestHeaders([("Host", "h")] + headers))
    }

    private func adds(_ statistics: TrackerStatistics) -> Bool {
        statistics.captured
            == statistics.delivered + statistics.totalDropped + statistics.pending + statistics.spooled
    }

    @Test(
        "leaves out ignored paths, with wildcards, and gives their visitors no cookie",
        arguments: [
            ("/metrics", true), ("/metrics?x=1", true), ("/metrics/", false), ("/static/a/b.css", true),
            ("/staticx", false), ("/a.png", true), ("/Metrics", false), ("/healthz", true), ("/health/", true),
            ("/healthy", false), ("/", false),
        ])
    func paths(target: String, isIgnored: Bool) async throws {
        let tracker = try tracker {
            $0.ignore = [.path("/metrics"), .path("/static/*"), .path("*.png"), .healthChecks]
        }
        let interception = tracker.begin(snapshot(target))
        #expect((interception == nil) == isIgnored)
        interception?.finish(status: 200, viewName: nil)
        await tracker.flush()
        #expect(transport.events.count == (isIgnored ? 0 : 1))
        #expect(tracker.statistics.ignored == (isIgnored ? 1 : 0))
        #expect(adds(tracker.statistics))
    }

    @Test("asks for deferred fields and a deferred target once, however many rules read them")
    func severalRules() throws {
        let calls = Mutex<[String]>([])
        let tracker = try tracker {
            $0.ignore = [.healthChecks, .path("/static/*"), .userAgent("Bot*"), .userAgent("Crawler*")]
            $0.honorsDoNotTrack = true
        }
        let snapshot = RequestSnapshot(
            method: "GET",
            target: {
                calls.withLock { $0.append("target") }
                return "/page"
            },
            headers: RequestHeaders(cookie: nil) {
                calls.withLock { $0.append("fields") }
                return [("User-Agent", "Firefox")]
            })
        #expect(snapshot.targetBytes == 0, "counted with the headers, and not read for that")
        // Not finished, so that the delivery thread reads nothing.
        #expect(tracker.begin(snapshot) != nil)
        #expect(calls.withLock { $0.sorted() } == ["fields", "target"])
    }

    @Test("asks for a deferred target once, on the delivery thread, but at once where a rule looks at paths")
    func deferredTarget() async throws {
        let calls = Mutex<[Bool]>([])
        func snapshot(_ target: String) -> RequestSnapshot {
            let caller = pthread_self()
            let make: @Sendable () -> String = {
                calls.withLock { $0.append(pthread_equal(pthread_self(), caller) != 0) }
                return target
            }
            return RequestSnapshot(method: "GET", target: make, headers: RequestHeaders([("Host", "h")]))
        }
        let all = try tracker { _ in }
        let interception = all.begin(snapshot("/path?token=hunter2&x=1"))
        interception?.finish(status: 200, viewName: nil)
        await all.flush()
        let data = try EventEncoderTests.eventData(Array(try #require(transport.events.first).utf8))
        #expect(data["full_url"] as? String == "http://h/path?token=[Filtered]&x=1")
        #expect(calls.withLock { $0 } == [false])
        let some = try tracker { $0.ignore = [.path("/metrics")] }
        #expect(some.begin(snapshot("/metrics?x=1")) == nil)
        #expect(calls.withLock { $0 } == [false, true])
    }

    @Test(
        "asks for deferred fields once per event, though the URL, too, takes its host from them",
        arguments: [TrustedProxies.none, .count(1)])
    func deferredHost(proxies: TrustedProxies) async throws {
        let calls = Mutex(0)
        let tracker = try tracker { $0.trustedProxies = proxies }
        let snapshot = RequestSnapshot(
            method: "GET", target: "/",
            headers: RequestHeaders(cookie: nil) {
                calls.withLock { $0 += 1 }
                return [("Host", "deferred.example")]
            })
        tracker.begin(snapshot)?.finish(status: 200, viewName: nil)
        await tracker.flush()
        let data = try EventEncoderTests.eventData(Array(try #require(transport.events.first).utf8))
        #expect(data["full_url"] as? String == "http://deferred.example/")
        #expect(calls.withLock { $0 } == 1)
    }

    @Test("leaves out methods, user agents, and what a function says")
    func otherRules() throws {
        let tracker = try tracker {
            $0.ignore = [.method("OPTIONS"), .userAgent("*bot*"), .custom { $0.target.hasPrefix("/x") }, .healthChecks]
        }
        #expect(tracker.begin(snapshot("/", method: "OPTIONS")) == nil)
        #expect(tracker.begin(snapshot("/", [("User-Agent", "GoogleBot/2")])) == nil)
        #expect(tracker.begin(snapshot("/", [("User-Agent", "kube-probe/1.30")])) == nil)
        #expect(tracker.begin(snapshot("/xyz")) == nil)
        #expect(tracker.begin(snapshot("/", [("User-Agent", "Mozilla/5.0")])) != nil)
    }

    @Test("honors DNT and Sec-GPC only if configured to", arguments: ["DNT", "Sec-GPC", "dnt"])
    func optOut(name: String) throws {
        #expect(try tracker { $0.honorsDoNotTrack = true }.begin(snapshot("/", [(name, "1")])) == nil)
        #expect(try tracker { $0.honorsDoNotTrack = true }.begin(snapshot("/", [(name, "0")])) != nil)
        #expect(try tracker { _ in }.begin(snapshot("/", [(name, "1")])) != nil)
    }

    @Test("samples whole sessions, says with which weight, and keeps server errors")
    func sampling() async throws {
        let tracker = try tracker { $0.sampleRate = 0.25 }
        var kept = 0
        for _ in 0..<2000 {
            let session = SessionIdentifier()
            for _ in 0..<2 {
                tracker.begin(snapshot("/"), session: session)?.finish(status: 200, viewName: nil)
            }
        }
        tracker.begin(snapshot("/"), session: SessionIdentifier(high: 0, low: 0))?.finish(status: 503, viewName: nil)
        await tracker.flush()
        var sessions: [String: Int] = [:]
        for event in transport.events {
            let data = try EventEncoderTests.eventData(Array(event.utf8))
            let status = (data["response_data"] as? [String: Any])?["status_code"] as? Int
            #expect(data["sample_weight"] as? Double == (status == 503 ? 1 : 4))
            if status == 200 {
                kept += 1
                sessions[data["ra_session_id"] as? String ?? "", default: 0] += 1
            }
        }
        #expect(sessions.values.allSatisfy { $0 == 2 })
        #expect((800...1200).contains(kept))
        let statistics = tracker.statistics
        #expect(statistics.captured + statistics.sampledOut == 4001)
        #expect(adds(statistics))
    }

    @Test("samples the same sessions in every process of a project, and others in another project")
    func samplingKey() throws {
        func sampled(_ token: String) throws -> [Int] {
            var configuration = try TrackerConfiguration(projectID: "p", projectToken: token)
            configuration.sampleRate = 0.5
            let selection = try #require(Selection(configuration))
            return (0..<256).filter {
                selection.weight(session: SessionIdentifier(high: 0, low: UInt64($0)), status: 200) != nil
            }
        }
        let first = try sampled("tok-1")
        #expect((90...166).contains(first.count))
        #expect(try sampled("tok-1") == first)
        // Without a key, a client could find out which IDs are left out.
        let others = try sampled("tok-2")
        #expect((64...192).contains(Set(first).symmetricDifference(others).count))
    }

    @Test("says no weight where every request becomes an event")
    func noWeight() async throws {
        let tracker = try tracker { _ in }
        tracker.begin(snapshot("/"))?.finish(status: 200, viewName: nil)
        await tracker.flush()
        #expect(transport.events.first?.contains("sample_weight") == false)
    }

    private struct Broken: Error {}

    @Test("lets the app change an event, drop it, or fail over it, and counts each")
    func beforeSend() async throws {
        let tracker = try tracker {
            $0.beforeSend = { draft in
                if draft.target == "/drop" { return false }
                if draft.target == "/throw" { throw Broken() }
                draft.viewName = "changed"
                draft.target = "/changed?password=hunter2"
                draft.headers.append(("X-Added", "yes"))
                return true
            }
        }
        for target in ["/keep", "/drop", "/throw"] {
            tracker.begin(snapshot(target))?.finish(status: 200, viewName: "v")
        }
        await tracker.flush()
        #expect(transport.events.count == 1)
        let data = try EventEncoderTests.eventData(Array(try #require(transport.events.first).utf8))
        #expect(data["view_name"] as? String == "changed")
        #expect(data["full_url"] as? String == "http://h/changed?password=[Filtered]")
        #expect((data["header_data"] as? [String: String])?["HTTP_X_ADDED"] == "yes")
        #expect(tracker.statistics.dropped == [.beforeSend: 1, .hookFailed: 1])
        #expect(adds(tracker.statistics))
    }

    @Test("lets the app remove cookies, though the server has parsed them before")
    func beforeSendCookies() async throws {
        let tracker = try tracker {
            $0.privacy = .none
            $0.beforeSend = { draft in
                draft.headers = [("Cookie", "a=1")]
                return true
            }
        }
        let sent = RequestSnapshot(
            method: "GET", target: "/", headers: RequestHeaders([("Cookie", "a=1; b=2")]),
            cookies: { [("a", "1"), ("b", "2")] }, style: .cgi)
        tracker.begin(sent)?.finish(status: 200, viewName: "v")
        await tracker.flush()
        let data = try EventEncoderTests.eventData(Array(try #require(transport.events.first).utf8))
        #expect((data["response_data"] as? [String: Any])?["cookies"] as? [String: String] == ["a": "1"])
    }

    @Test("keeps the host in the URL, though the app removes the field")
    func beforeSendHost() async throws {
        let tracker = try tracker {
            $0.beforeSend = { draft in
                draft.headers = []
                return true
            }
        }
        let sent = RequestSnapshot(
            method: "GET", target: "/", headers: RequestHeaders(cookie: nil) { [("Host", "h.example")] })
        tracker.begin(sent)?.finish(status: 200, viewName: "v")
        await tracker.flush()
        let data = try EventEncoderTests.eventData(Array(try #require(transport.events.first).utf8))
        #expect(data["full_url"] as? String == "http://h.example/")
        #expect(data["header_data"] as? [String: String] == [:])
    }

    @Test("counts a hook that is slow")
    func slowHook() async throws {
        let gate = DispatchSemaphore(value: 0)
        let tracker = try tracker {
            $0.beforeSend = { _ in
                _ = gate.wait(timeout: .now() + .milliseconds(60))
                return true
            }
        }
        tracker.begin(snapshot("/"))?.finish(status: 200, viewName: "v")
        await tracker.flush()
        #expect(tracker.statistics.slowHooks == 1)
        #expect(tracker.statistics.delivered == 1)
    }

    @Test(
        "matches wildcards",
        arguments: [
            ("*", "", true), ("", "", true), ("", "a", false), ("a*b*c", "aXbYc", true), ("a*b*c", "aXbY", false),
            ("**a", "bba", true), ("a*", "a", true), ("*aab", "aaaab", true), ("a", "A", false),
        ])
    func wildcards(pattern: String, text: String, expected: Bool) {
        var text = text
        #expect(text.withUTF8 { WildcardPattern(pattern, ignoresCase: false).matches($0) } == expected)
    }
}
