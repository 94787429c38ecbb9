import DemoServer
import Synchronization
import TrackerCore

/// Streams events as they arrive, as server-sent events (the HTML standard, section 9.2).
///
/// Each client polls the history ten times a second from its own position, and takes a bounded number. Receiving never
/// waits for a client and buffers nothing for one; a client that is too slow is told how many events it has missed.
struct LiveStream: Sendable {
    let history: EventHistory
    let clients: LiveClients
    /// The receiver's own state, as JSON. Sent when it has changed, at most once a second.
    let status: @Sendable () -> String

    /// How many of the existing events a new page gets. It requests older ones itself.
    private static let backlog = 2000
    /// 5,000 events a second: more than a page can show, and few enough to leave the processor to receiving.
    private static let batchEvents = 500
    private static let batchBytes = 1 << 20
    private static let interval = Duration.milliseconds(100)
    private static let looksPerStatus = 10
    private static let looksPerHeartbeat = 100
    /// Identifies this process: event numbers have no meaning in another.
    private static let instance = String(SystemClock.wallNanoseconds(), radix: 36)

    func response(to request: HTTPRequest) -> HTTPResponse {
        guard clients.join() else {
            return StatusText.page(503, "\(LiveClients.maximum) pages are already watching; close one of them")
        }
        let position = position(after: request.header("Last-Event-ID"))
        var response = HTTPResponse(
            headers: [
                ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin"),
            ],
            body: .stream { writer in
                do {
                    try await follow(from: position, writer)
                } catch {
                    // The page was closed: the usual end of a stream.
                }
            })
        response.onSent = { [clients] _ in clients.leave() }
        return response
    }

    /// Returns where a returning page resumes; nil for a new one.
    private func position(after identifier: String?) -> Int? {
        guard let parts = identifier?.split(separator: "-"), parts.count == 2, parts[0] == Self.instance,
            let number = Int(parts[1]), number >= 0, number < history.extent.end
        else { return nil }
        return number + 1
    }

    /// - Parameter position: nil to start with the latest events.
    private func follow(from position: Int?, _ writer: HTTPBodyWriter) async throws {
        var said = status()
        let now = SystemClock.wallNanoseconds() / 1_000_000
        let hello = "{\"instance\":\"\(Self.instance)\",\"now\":\(now),\"status\":\(said)}"
        try await writer.write(Array("retry: 1000\nevent: hello\ndata: \(hello)\n\n".utf8))
        let extent = history.extent
        // A returning page may resume at an event that is evicted by now, so that it is told what it has missed.
        var next = position ?? max(extent.first, extent.end - Self.backlog)
        var looks = 0
        var silence = 0
        while !clients.isOver, !writer.isClientGone {
            let batch = history.read(from: next, limit: Self.batchEvents, bytes: Self.batchBytes)
            next = batch.next
            var message = Self.message(batch)
            looks += 1
            silence += 1
            if looks % Self.looksPerStatus == 0 {
                let current = status()
                if current != said { message += "event: status\ndata: \(current)\n\n".utf8 }
                said = current
            }
            if message.isEmpty, silence >= Self.looksPerHeartbeat { message = Array(": still here\n\n".utf8) }
            if !message.isEmpty {
                silence = 0
                try await writer.write(message)
            }
            try await Task.sleep(for: Self.interval)
        }
    }

    /// Formats each event as two lines of data: its project as a JSON string, and the event.
    private static func message(_ batch: EventHistory.Batch) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(batch.events.reduce(0) { $0 + $1.event.line.count + 80 })
        if batch.missed > 0 { bytes += "event: missed\ndata: \(batch.missed)\n\n".utf8 }
        var project: (name: String, json: String)?
        for (number, event) in batch.events {
            if project?.name != event.project { project = (event.project, JSONText.quoted(event.project)) }
            bytes += "id: \(instance)-\(number)\ndata: \(project?.json ?? "\"\"")\ndata: ".utf8
            bytes += event.line
            bytes += [0x0A, 0x0A]
        }
        return bytes
    }
}

/// Counts and limits the open live pages, and tells them when to end.
final class LiveClients: Sendable {
    private struct State {
        var count = 0
        var isOver = false
    }

    private let state = Mutex(State())
    static let maximum = 64

    /// - Returns: whether there is room for one more. If so, the caller must call `leave`.
    func join() -> Bool {
        state.withLock { state in
            guard state.count < Self.maximum, !state.isOver else { return false }
            state.count += 1
            return true
        }
    }

    func leave() { state.withLock { $0.count -= 1 } }

    func endAll() { state.withLock { $0.isOver = true } }

    var isOver: Bool { state.withLock { $0.isOver } }
    var count: Int { state.withLock { $0.count } }
}
