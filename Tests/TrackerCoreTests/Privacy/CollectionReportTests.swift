import TestSupport
import Testing

@testable import TrackerCore

@Suite("What leaves the host, on paper")
struct CollectionReportTests {
    private func configuration() throws -> TrackerConfiguration {
        var configuration = try TrackerConfiguration(projectID: "p", projectToken: "tok-s3cr3t")
        configuration.logHandler = { _ in }
        return configuration
    }

    @Test("names every field that an event has")
    func fields() throws {
        let snapshot = RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([("Host", "h")]))
        let data = try EventEncoderTests.eventData(EventEncoderTests.encode(snapshot))
        let report = try configuration().collectionReport()
        for field in data.keys where field != "response_data" {
            #expect(report.contains("`\(field)`"), "\(field)")
        }
        for field in ["project_token", "response_data.status_code", "response_data.cookies"] {
            #expect(report.contains("`\(field)`"))
        }
    }

    @Test("follows the settings, and never has the token")
    func settings() throws {
        var configuration = try configuration()
        configuration.privacy = .strict
        configuration.privacy.terms = ["customer-number"]
        configuration.privacy.addresses = .truncate
        configuration.sampleRate = 0.5
        configuration.spoolDirectory = "/var/spool/x"
        configuration.trustedProxies = .count(2)
        let report = configuration.collectionReport()
        for text in [
            "privacy: custom", "customer-number", "/24 and /48", "sample_weight", "/var/spool/x", "2 proxies",
            "user-agent",
        ] { #expect(report.contains(text), "\(text)") }
        #expect(!report.contains("s3cr3t"))
        #expect(TrackerConfiguration.disabled.collectionReport().contains("nothing leaves the host"))
    }

    @Test("can be checked in a test of the app's own")
    func helper() async throws {
        let transport = InMemoryTransport()
        var configuration = try configuration()
        configuration.privacy = .none
        let tracker = try Tracker(configuration: configuration, transport: transport)
        tracker.begin(
            RequestSnapshot(
                method: "GET", target: "/?q=hunter%202",
                headers: RequestHeaders([("Host", "h"), ("X-A", "pass\"word"), ("Authorization", "Bearer xyz")]))
        )?.finish(status: 200, viewName: "v")
        await tracker.flush()
        #expect(throws: SecretLeaked.self) { try transport.requireAbsence(of: "Bearer xyz") }
        #expect(throws: SecretLeaked.self) { try transport.requireAbsence(of: "absent", "hunter 2") }
        #expect(throws: SecretLeaked.self) { try transport.requireAbsence(of: "pass\"word") }
        try transport.requireAbsence(of: "hunter3", "")
    }

    @Test("the token is in no description, no dump and no statistics")
    func token() throws {
        let configuration = try configuration()
        let tracker = try Tracker(configuration: configuration, transport: InMemoryTransport())
        var text = "\(tracker) \(configuration) \(tracker.statistics)"
        debugPrint(tracker, configuration, tracker.statistics, to: &text)
        dump(tracker, to: &text)
        dump(configuration, to: &text)
        dump(tracker.begin(RequestSnapshot(method: "GET", target: "/", headers: RequestHeaders([]))), to: &text)
        #expect(!text.contains("s3cr3t"))
    }
}
