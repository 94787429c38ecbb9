import Foundation
import TrackerCore

/// Measures the memory of a full queue in a separate process, because a heap with free space would hide it.
enum QueueMemory {
    /// - Parameter isPaced: whether events come at a request rate while the backend is silent, rather than all at once,
    ///   before the delivery thread has touched them.
    static func measure(events: Int, isPaced: Bool) throws -> Int {
        let process = Process()
        let output = Pipe()
        process.executableURL = Bundle.main.executableURL
        process.arguments = ["--fill-queue", String(events)] + (isPaced ? ["paced"] : [])
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard let bytes = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw BenchmarkFailure("the process that fills a queue said: \(text)")
        }
        return bytes
    }

    /// Runs in the separate process, and prints by how many bytes its resident memory grew.
    static func run(_ arguments: [String]) -> Int32 {
        guard let events = arguments.first.flatMap({ Int($0) }), events > 0,
            var configuration = try? TrackerConfiguration(projectID: "p", projectToken: "t")
        else { return 64 }
        let isPaced = arguments.contains("paced")
        configuration.queueCapacity = events
        guard let tracker = try? Tracker(configuration: configuration, transport: SilentTransport()) else { return 64 }
        // Start the delivery thread, with one event in flight, before the queue fills.
        tracker.begin(SampleRequest.visitors(1)[0])?.finish(status: 200, viewName: "hello")
        while tracker.statistics.queued > 0 { usleep(1000) }
        let before = residentBytes
        for number in 1..<events {
            tracker.begin(SampleRequest.visitors(1)[0])?.finish(status: 200, viewName: "hello")
            // At most ten thousand per second: a busy service whose backend is silent.
            if isPaced, number % 100 == 0 { usleep(10_000) }
        }
        guard tracker.statistics.pending == events else { return 1 }
        print(residentBytes - before)
        fflush(nil)
        _exit(0)
    }

    private static var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
