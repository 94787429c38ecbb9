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

    @Test("are described in one line, with the reasons of what was dropped")
    func description() {
        var statistics = TrackerStatistics()
        statistics.captured = 9
        statistics.delivered = 4
        statistics.retried = 20
        statistics.dropped = [.queueFull: 2, .rejected: 1]
        statistics.queued = 1
        statistics.inFlight = 1
        statistics.slowHooks = 5
        #expect(
            "\(statistics)"
                == "captured 9, delivered 4, retried 20, dropped 3 (queue_full 2, rejected 1), pending 2, spooled 0, "
                + "slow hooks 5")
    }
}
