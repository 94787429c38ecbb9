import Foundation
import TrackerCore

/// Compares the two transports: delivers the same events to the configured backend with each, alternately, in 5 rounds.
enum DeliveryMeasurement {
    private static let rounds = 5
    private static let ways = [
        (name: "one per request", batches: false, events: 20_000), (name: "batches", batches: true, events: 100_000),
    ]

    static func run() async throws {
        var configuration = try TrackerConfiguration()
        configuration.maximumConnections = 8
        configuration.usesCompression = false
        configuration.queueCapacity = 100_000
        configuration.queueMaximumBytes = 1 << 30
        for way in ways {
            configuration.usesBatches = way.batches
            var pairs: [(curl: Cost, swift: Cost)] = []
            for _ in 0..<rounds {
                let curl = try await deliver(way.events, Tracker(configuration: configuration))
                let swift = try await deliver(
                    way.events,
                    Tracker(configuration: configuration, transport: AsyncHTTPClientTransport(configuration)))
                pairs.append((curl, swift))
                print("\(way.name): libcurl \(curl), AsyncHTTPClient \(swift)")
            }
            func median(_ ratio: ((curl: Cost, swift: Cost)) -> Double) -> Double {
                pairs.map(ratio).sorted()[rounds / 2]
            }
            print(
                """
                \(way.name): AsyncHTTPClient has \(median { $0.swift.rate / $0.curl.rate }) of libcurl's rate and \
                \(median { $0.swift.processor / $0.curl.processor }) of its processor time, medians
                """)
        }
    }

    private struct Cost: CustomStringConvertible {
        /// Events per second.
        var rate: Double
        /// Microseconds per event.
        var processor: Double
        var description: String { "\(Int(rate)) events/s with \(processor) us of processor time each" }
    }

    private static func deliver(_ events: Int, _ tracker: Tracker) async throws -> Cost {
        let fields: [RequestHeaders.Field] = (0..<12).map { ("X-Field-\($0)", "value \($0)") }
        let (start, spent) = (ContinuousClock.now, processorTime())
        for number in 0..<events {
            let snapshot = RequestSnapshot(
                method: "GET", target: "/hello/\(number)", host: "example.test", headers: RequestHeaders(fields))
            tracker.begin(snapshot)?.finish(status: 200, viewName: "hello")
        }
        await tracker.shutdown(timeout: .seconds(120))
        guard tracker.statistics.delivered == events else { throw Undelivered(statistics: tracker.statistics) }
        return Cost(
            rate: Double(events) / ((ContinuousClock.now - start) / .seconds(1)),
            processor: (processorTime() - spent) / Double(events))
    }

    /// The processor time of this process, in microseconds.
    private static func processorTime() -> Double { Double(clock()) / (Double(CLOCKS_PER_SEC) / 1_000_000) }

    private struct Undelivered: Error, CustomStringConvertible {
        let statistics: TrackerStatistics
        var description: String { "not all events were delivered: \(statistics)" }
    }
}
