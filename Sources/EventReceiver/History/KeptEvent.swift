import DemoServer

/// An accepted event and its project.
///
/// The token is not kept: pages, responses and the store show `[set]` in its place.
struct KeptEvent: Sendable {
    let project: String
    /// One line of JSON, as sent except for the token.
    let line: [UInt8]
    /// `time_request_received_ns`.
    let requestTime: Int64

    private init(project: String, line: [UInt8], requestTime: Int64) {
        self.project = project
        self.line = line
        self.requestTime = requestTime
    }

    /// - Parameters:
    ///   - line: the event as sent. Line breaks between its members carry no meaning; within strings, JSON escapes
    ///     them.
    ///   - summary: what `EventReading` found in this line.
    init(project: String, line: ArraySlice<UInt8>, summary: EventSummary) {
        let token = line.startIndex + summary.token.lowerBound..<line.startIndex + summary.token.upperBound
        var kept: [UInt8] = []
        kept.reserveCapacity(line.count - token.count + Self.mark.utf8.count)
        kept += line[..<token.lowerBound]
        kept += Self.mark.utf8
        kept += line[token.upperBound...]
        if summary.hasLineEnds { kept.removeAll { $0 == 0x0A || $0 == 0x0D } }
        self.init(project: project, line: kept, requestTime: summary.requestTime)
    }

    private static let mark = "[set]"
}

/// The stored form of an event: a line with one object of the project and the event.
extension KeptEvent {
    static func prefix(_ project: String) -> [UInt8] {
        Array("{\"project\":\(JSONText.quoted(project)),\"event\":".utf8)
    }

    /// Appends the event's line with its line break.
    func store(into bytes: inout [UInt8]) {
        bytes += Self.prefix(project)
        bytes += line
        bytes.append(UInt8(ascii: "}"))
        bytes.append(0x0A)
    }

    /// - Parameter stored: a line without its line break.
    /// - Returns: nil if the line is not a stored event.
    init?(stored: ArraySlice<UInt8>) {
        guard let (project, prefixLength) = Self.project(of: stored), stored.last == UInt8(ascii: "}") else {
            return nil
        }
        let line = stored.dropFirst(prefixLength).dropLast()
        guard case .success(let summary) = EventReading.read(line) else { return nil }
        self.init(project: project, line: line, summary: summary)
    }

    /// Returns the project of a stored line, and the number of bytes before the event.
    private static func project(of stored: ArraySlice<UInt8>) -> (String, Int)? {
        let start = Array("{\"project\":".utf8)
        guard stored.starts(with: start) else { return nil }
        var end = stored.startIndex + start.count + 1
        while end < stored.endIndex, stored[end] != UInt8(ascii: "\"") {
            end += stored[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard end < stored.endIndex,
            case .string(let project)? = try? JSONReader.read(stored[(stored.startIndex + start.count)...end])
        else { return nil }
        let prefix = prefix(project)
        return stored.starts(with: prefix) ? (project, prefix.count) : nil
    }
}
