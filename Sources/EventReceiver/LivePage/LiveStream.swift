import DemoServer
import TrackerCore

/// Events as they come, as server-sent events (the HTML standard, section 9.2).
///
/// Each client looks into the history ten times a second, from where it has got to. Whoever takes events in never waits
/// for a client and keeps nothing for one; a client that is too slow is told how many it has missed.
struct LiveStream: Sendable {
    let history: EventHistory
    let clients: LiveClients

    /// How many of the events that were there before a page gets at first.
    private static let backlog = 2000
    private static let batchEvents = 200
    private static let batchBytes = 512 * 1024
    private static let interval = Duration.milliseconds(100)
    private static let looksPerHeartbeat = 100
    /// Numbers of events mean something to the process that gave them alone.
    private static let instance = String(SystemClock.wallNanoseconds(), radix: 36)

    func response(to request: HTTPRequest) -> HTTPResponse {
        guard clients.join() else {
            return StatusText.page(503, "\(LiveClients.maximum) pages are watching already")
        }
        let start = start(after: request.header("Last-Event-ID"))
        var response = HTTPResponse(
            headers: [
                ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin"),
            ],
            body: .stream { writer in
                do {
                    try await follow(from: start, writer)
                } catch {
                    // The page was closed, which is how each of these ends.
                }
            })
        response.onSent = { [clients] _ in clients.leave() }
        return response
    }

    /// Where a page goes on that was here before, or where one begins.
    private func start(after identifier: String?) -> Int {
        let end = history.end
        let fresh = max(0, end - Self.backlog)
        guard let parts = identifier?.split(separator: "-"), parts.count == 2, parts[0] == Self.instance,
            let number = Int(parts[1]), number >= 0, number < end
        else { return fresh }
        return number + 1
    }

    private func follow(from start: Int, _ writer: HTTPBodyWriter) async throws {
        let hello = "{\"instance\":\"\(Self.instance)\",\"now\":\(SystemClock.wallNanoseconds() / 1_000_000)}"
        try await writer.write(Array("retry: 1000\nevent: hello\ndata: \(hello)\n\n".utf8))
        var next = start
        var looks = 0
        while !clients.isOver, !writer.isClientGone {
            let batch = history.read(from: next, limit: Self.batchEvents, bytes: Self.batchBytes)
            next = batch.next
            looks += 1
            if !batch.events.isEmpty || batch.missed > 0 {
                looks = 0
                try await writer.write(Self.message(batch))
            } else if looks == Self.looksPerHeartbeat {
                looks = 0
                try await writer.write(Array(": still here\n\n".utf8))
            }
            if batch.events.count < Self.batchEvents { try await Task.sleep(for: Self.interval) }
        }
    }

    /// An event takes two lines of data: its project as a JSON string, and the event.
    private static func message(_ batch: EventHistory.Batch) -> [UInt8] {
        var bytes: [UInt8] = []
        if batch.missed > 0 { bytes += Array("event: missed\ndata: \(batch.missed)\n\n".utf8) }
        for (number, event) in batch.events {
            bytes += Array("id: \(instance)-\(number)\ndata: \(JSONText.quoted(event.project))\ndata: ".utf8)
            bytes += event.line
            bytes += [0x0A, 0x0A]
        }
        return bytes
    }
}
