import TrackerCore

/// The delivery thread's work on one event: filter and JSON.
enum EncodingBenchmark {
    static func run() -> Table {
        var table = Table("Encoding one browser event", columns: ["privacy", "bytes", "median of 5 rounds"])
        for mode in PrivacyMode.allCases {
            let privacy = PrivacyPolicy(mode)
            var meter = EncodingMeter(privacy: privacy, snapshot: SampleRequest().snapshot)
            let count = 50_000
            var rounds: [Double] = []
            for _ in 0..<5 {
                let start = SystemClock.monotonicNanoseconds()
                for _ in 0..<count { meter.encodeOnce() }
                rounds.append(Double(SystemClock.monotonicNanoseconds() - start) / Double(count))
            }
            table.add(mode.rawValue, String(meter.lastLength), "\(decimal(median(rounds) / 1000)) us")
        }
        return table
    }
}
