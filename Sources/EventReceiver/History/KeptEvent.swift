import DemoServer

/// An accepted event, and which project it came for.
struct KeptEvent: Sendable {
    let project: String
    /// One line of JSON, as it was sent.
    let line: [UInt8]
    /// `time_request_received_ns`.
    let requestTime: Int64

    init(project: String, line: [UInt8], requestTime: Int64) {
        self.project = project
        self.line = line
        self.requestTime = requestTime
    }
}

/// The form in which events are stored: one object with the project and the event in each line.
extension KeptEvent {
    private static func prefix(_ project: String) -> [UInt8] {
        Array("{\"project\":\(JSONText.quoted(project)),\"event\":".utf8)
    }

    /// With the line's end.
    var stored: [UInt8] { Self.prefix(project) + line + [UInt8(ascii: "}"), 0x0A] }

    /// - Parameter stored: a line without its end.
    /// - Returns: nil if this is no event that was stored here.
    init?(stored: ArraySlice<UInt8>) {
        guard let value = try? JSONReader.read(stored), case .string(let project)? = value["project"],
            let event = value["event"], EventValidator.fault(in: event) == nil
        else { return nil }
        let prefix = Self.prefix(project)
        guard stored.starts(with: prefix), stored.last == UInt8(ascii: "}") else { return nil }
        self.init(
            project: project, line: Array(stored.dropFirst(prefix.count).dropLast()),
            requestTime: Self.requestTime(of: event))
    }

    static func requestTime(of event: JSONValue) -> Int64 {
        guard case .integer(let time)? = event["event_data"]?["time_request_received_ns"] else { return 0 }
        return time
    }
}
