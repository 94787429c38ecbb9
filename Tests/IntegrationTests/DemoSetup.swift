import Foundation
import TestSupport
import TrackerCore

/// An event of the running demo, as the event handler printed it.
struct PrintedEvent {
    let json: [String: Any]
    var data: [String: Any] { json["event_data"] as? [String: Any] ?? [:] }
    var viewName: String? { data["view_name"] as? String }
    var url: String { data["full_url"] as? String ?? "" }
    var session: String { data["ra_session_id"] as? String ?? "" }
    var processing: Int { data["processing_time_ns"] as? Int ?? -1 }
    var response: [String: Any] { data["response_data"] as? [String: Any] ?? [:] }
    var status: Int { response["status_code"] as? Int ?? -1 }

    init?(_ line: String) {
        guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
            return nil
        }
        self.init(json: object)
    }

    init(json: [String: Any]) {
        self.json = json
    }
}

/// The event handler and the demo site as two processes.
struct DemoSetup {
    let handler: RunningProgram
    let demo: RunningProgram
    let handlerPort: UInt16
    let port: UInt16

    init(
        program: String = "DemoRouterApp", handlerArguments: [String] = [], settings: [String: String] = [:]
    ) async throws {
        handler = try RunningProgram("EventHandler", ["--port", "0"] + handlerArguments)
        handlerPort = try await handler.port(after: "listens on")
        let environment = [
            "RA_PROJECT_ID": "proj-1", "RA_PROJECT_TOKEN": "tok-1",
            "RA_BACKEND_ENDPOINT": "http://127.0.0.1:\(handlerPort)",
        ]
        demo = try RunningProgram(program, ["--port", "0"], environment: environment.merging(settings) { $1 })
        port = try await demo.port(after: "Open http")
    }

    var events: [PrintedEvent] { handler.lines.compactMap(PrintedEvent.init) }

    /// Waits until the given number of events have been printed.
    func events(_ count: Int, within limit: Duration = TestTimeout.standard) async throws -> [PrintedEvent] {
        try await eventually(within: limit, "\(count) events") { handler.lines.count >= count }
        return events
    }

    func stop() async throws {
        try await demo.stop()
        try await handler.stop()
    }
}
