import TrackerCore

/// The delivery thread's work per event: filter and JSON.
enum EncodingBenchmark {
    static func run() -> Table {
        var table = Table(
            "Encoding one browser event",
            columns: ["privacy", "bytes", "the same visitor", "all values new", "filter adds"])
        let visitors = SampleRequest.visitors(2048)
        var rounds: [[[Double]]] = PrivacyMode.allCases.map { _ in [[], []] }
        var lengths = [Int](repeating: 0, count: rounds.count)
        for _ in 0..<5 {
            for (index, mode) in PrivacyMode.allCases.enumerated() {
                for (kind, snapshots) in [[visitors[0]], visitors].enumerated() {
                    var meter = EncodingMeter(privacy: PrivacyPolicy(mode), snapshots: snapshots)
                    for _ in 0..<2_000 { meter.encodeOnce() }
                    let start = SystemClock.monotonicNanoseconds()
                    for _ in 0..<count { meter.encodeOnce() }
                    rounds[index][kind].append(Double(SystemClock.monotonicNanoseconds() - start) / Double(count))
                    lengths[index] = meter.lastLength
                }
            }
        }
        let none = PrivacyMode.allCases.firstIndex(of: .none) ?? 0
        for (index, mode) in PrivacyMode.allCases.enumerated() {
            let times = rounds[index].map(median)
            table.add(
                mode.rawValue, String(lengths[index]), time(times[0]), time(times[1]),
                index == none ? "" : time(times[1] - median(rounds[none][1])))
        }
        return table
    }

    private static let count = 20_000
}
