import Foundation
import TestSupport

/// A client of a running event handler.
struct HandlerClient {
    let program: RunningProgram
    let port: UInt16

    init(_ arguments: String..., port: UInt16 = 0) async throws {
        // With an explicit port it stores events in a temporary file, unless told otherwise.
        let store = port == 0 || arguments.contains("--store") ? [] : ["--no-store"]
        try await self.init(RunningProgram("EventHandler", ["--port", String(port), "--quiet"] + store + arguments))
    }

    /// - Parameter text: precedes its address on standard error.
    init(_ program: RunningProgram, after text: String = "listens on") async throws {
        self.program = program
        port = try await program.port(after: text)
    }

    var address: String { "http://127.0.0.1:\(port)/" }

    /// Sends events in one request, one per line.
    ///
    /// - Returns: the response with its head.
    @discardableResult
    func post(
        _ events: [String], project: String = "p", type: String = "application/x-ndjson", headers: [String] = [],
        host: String = "127.0.0.1"
    ) async throws -> String {
        let body = events.joined(separator: "\n")
        let own = (type.isEmpty ? [] : ["Content-Type: \(type)"]) + ["Content-Length: \(body.utf8.count)"]
        return try await ask("POST /\(project)", own + headers, body, host: host)
    }

    func get(_ path: String, host: String = "127.0.0.1", headers: [String] = []) async throws -> String {
        try await ask("GET \(path)", headers, host: host)
    }

    /// Returns a project's events as the handler serves them.
    func events(_ query: String = "", project: String = "p") async throws -> [PrintedEvent] {
        let answer = try await get("/\(project)/events\(query)")
        let body = answer.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n")
        let list = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [[String: Any]]
        return (list ?? []).map(PrintedEvent.init(json:))
    }

    private func ask(
        _ request: String, _ headers: [String], _ body: String = "", host: String = "127.0.0.1"
    ) async throws -> String {
        let head = ["\(request) HTTP/1.1", "Host: \(host)", "Connection: close"] + headers
        let message = head.joined(separator: "\r\n") + "\r\n\r\n" + body
        let port = port
        return try await onThread {
            let client = try RawClient(port: port)
            client.send(message)
            return client.receiveAll()
        }
    }

    /// Returns an event as a tracker would send it.
    static func event(
        path: String = "/", view: String? = "home", status: Int = 200, session: Int = 0, agent: String = "test",
        milliseconds: Double = 1, time: Int = 1_700_000_000_000_000_000, token: String = "t", weight: Int? = nil,
        referrer: String? = nil
    ) throws -> String {
        let hex = String(session, radix: 16)
        var headers = ["HTTP_HOST": "h", "HTTP_USER_AGENT": agent]
        headers["HTTP_REFERER"] = referrer
        var data: [String: Any] = [
            "view_name": view ?? NSNull(), "header_data": headers, "full_url": "http://h\(path)",
            "ra_session_id": hex + String(repeating: "0", count: 32 - hex.count),
            "time_request_received_ns": time, "processing_time_ns": Int(milliseconds * 1e6),
            "response_data": ["status_code": status, "cookies": [String: String]()],
        ]
        data["sample_weight"] = weight
        let event: [String: Any] = [
            "project_token": token, "event_type": "page_view", "ra_tracker_version": "v1",
            "event_data": data,
        ]
        let options: JSONSerialization.WritingOptions = [.withoutEscapingSlashes, .sortedKeys]
        return String(decoding: try JSONSerialization.data(withJSONObject: event, options: options), as: UTF8.self)
    }
}
