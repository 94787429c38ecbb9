import DemoServer

/// An accepted event, and which project it came for.
///
/// What is kept has no token: pages, answers and the store say `[set]` in its place.
struct KeptEvent: Sendable {
    let project: String
    /// One line of JSON, as it was sent but for the token.
    let line: [UInt8]
    /// `time_request_received_ns`.
    let requestTime: Int64

    private init(project: String, line: [UInt8], requestTime: Int64) {
        self.project = project
        self.line = line
        self.requestTime = requestTime
    }

    /// - Parameters:
    ///   - line: the event as it was sent; line ends between its members are only layout, for within strings JSON has
    ///     them escaped.
    ///   - summary: what the scanner or the reader found in this very line.
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

/// The form in which events are stored: one object with the project and the event in each line.
extension KeptEvent {
    static func prefix(_ project: String) -> [UInt8] {
        Array("{\"project\":\(JSONText.quoted(project)),\"event\":".utf8)
    }

    /// Adds the event's line, with its end.
    func store(into bytes: inout [UInt8]) {
        bytes += Self.prefix(project)
        bytes += line
        bytes.append(UInt8(ascii: "}"))
        bytes.append(0x0A)
    }

    /// - Parameter stored: a line without its end.
    /// - Returns: nil if this is no event that was stored here.
    init?(stored: ArraySlice<UInt8>) {
        guard let (project, prefixLength) = Self.project(of: stored), stored.last == UInt8(ascii: "}") else {
            return nil
        }
        let line = stored.dropFirst(prefixLength).dropLast()
        guard case .success(let summary) = EventReading.read(line) else { return nil }
        self.init(project: project, line: line, summary: summary)
    }

    /// The project of a stored line, and how many bytes stand before the event.
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
