import Testing
import TrackerCore

@Suite("Statistics")
struct TrackerStatisticsTests {
    @Test("begin with nothing")
    func beginning() {
        let statistics = TrackerStatistics()
        #expect("\(statistics)" == "captured 0, delivered 0, retried 0, dropped 0, pending 0, spooled 0")
        let backend = statistics.backend
        #expect(backend.window == 0 && backend.inFlight == 0 && backend.connections == 0)
        #expect(backend.latency == nil && backend.httpVersion == nil && !backend.isAway)
        #expect(statistics.spoolDamage == TrackerStatistics.SpoolDamage())
    }
}
