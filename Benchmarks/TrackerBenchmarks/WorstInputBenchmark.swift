import TrackerCore

/// The filter's worst-case cost, in CPU time: texts made of the beginnings of keys, alone and in pairs, compared with
/// what an ordinary visitor sends.
enum WorstInputBenchmark {
    private static let size = 32 << 10

    static func run() -> Table {
        var table = Table(
            "The filter's worst: 32 KiB in one text, and events with such a target or such fields",
            columns: ["what", "of", "CPU", "against the ordinary", "looks at a byte"])
        var probe = FilterProbe()
        let ordinary = scan(FilterProbe.harmless, &probe, rounds: 15)
        table.add("a text", FilterProbe.harmless, time(ordinary.time), "1", decimal(ordinary.looks, 1))
        let worstOfAll = worstTexts(&probe)
        for worst in worstOfAll {
            table.add(
                "a text", worst.piece, time(worst.time), decimal(worst.time / ordinary.time), decimal(worst.looks, 1))
        }
        for (name, fields) in [("target of 32 KiB", 0), ("3 fields of 8 KiB", 3), ("100 fields of 8 KiB", 100)] {
            let plain = (0..<3).map { _ in event(FilterProbe.harmless, fields: fields) }.min() ?? .infinity
            table.add("event, \(name)", FilterProbe.harmless, time(plain), "1")
            let pieces = (FilterProbe.beginnings + worstOfAll.map(\.piece)).map {
                (piece: $0, time: event($0, fields: fields))
            }
            for worst in pieces.sorted(by: { $0.time > $1.time }).prefix(4) {
                let again = (0..<3).map { _ in event(worst.piece, fields: fields) }.min() ?? worst.time
                table.add("event, \(name)", worst.piece, time(again), decimal(again / plain))
            }
        }
        return table
    }

    private typealias Cost = (piece: String, time: Double, looks: Double)

    /// Returns the costliest texts, in time and in steps per byte, of all beginnings and all pairs of them.
    private static func worstTexts(_ probe: inout FilterProbe) -> [Cost] {
        var found: [Cost] = FilterProbe.beginnings.map { scan($0, &probe) }
        for one in FilterProbe.beginnings {
            for other in FilterProbe.beginnings {
                found.append(scan(one + other, &probe, size: 4096, rounds: 3))
            }
        }
        // Measure the slowest again with a longer text: some were slow by chance.
        let suspects = found.sorted { $0.time > $1.time }.prefix(100) + found.sorted { $0.looks > $1.looks }.prefix(10)
        return suspects.map { scan($0.piece, &probe, rounds: 15) }.sorted { $0.time > $1.time }.prefix(5)
            + [found.max { $0.looks < $1.looks }].compactMap { $0 }.map { scan($0.piece, &probe) }
    }

    /// Measures a text as a header and as a URL, and returns the higher cost: the minimum of a few rounds, scaled to a
    /// text of 32 KiB.
    private static func scan(_ piece: String, _ probe: inout FilterProbe, size: Int = size, rounds: Int = 5) -> Cost {
        let text = FilterProbe.repeated(piece, size)
        var cost: Cost = (piece, 0, 0)
        for isURL in [false, true] {
            var least = Double.infinity
            for _ in 0..<rounds {
                let start = ProcessorClock.nanoseconds()
                let steps = probe.steps(text, isURL: isURL).steps
                least = min(least, Double(ProcessorClock.nanoseconds() - start))
                cost.looks = max(cost.looks, Double(steps) / Double(size))
            }
            cost.time = max(cost.time, least * Double(Self.size) / Double(size))
        }
        return cost
    }

    /// Returns the CPU time of one event with values not seen before: the minimum of five, in nanoseconds.
    private static func event(_ piece: String, fields: Int) -> Double {
        let snapshots = (0..<5).map { number in
            let text =
                "\(number) " + String(decoding: FilterProbe.repeated(piece, fields > 0 ? 8190 : size), as: UTF8.self)
            return RequestSnapshot(
                method: "GET", target: fields > 0 ? "/" : "/" + text, scheme: "http", serverAuthority: "127.0.0.1:8080",
                headers: RequestHeaders((0..<fields).map { ("X-\($0)", "\($0) \(text)") }),
                remoteAddress: "127.0.0.1")
        }
        var meter = EncodingMeter(privacy: .standard, snapshots: snapshots)
        var least = Double.infinity
        for _ in snapshots {
            let start = ProcessorClock.nanoseconds()
            meter.encodeOnce()
            least = min(least, Double(ProcessorClock.nanoseconds() - start))
        }
        return least
    }
}
