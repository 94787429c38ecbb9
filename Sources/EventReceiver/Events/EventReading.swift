/// Reads one event: on a fast path if it is valid, else on one that finds the reason.
package enum EventReading {
    /// Why a line is not a valid event.
    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    package static func read(_ line: ArraySlice<UInt8>) -> Result<EventSummary, Fault> {
        if let summary = EventScanner.scan(line) { return .success(summary) }
        let event: JSONValue
        do {
            event = try JSONReader.read(line)
        } catch {
            return .failure(Fault(description: "not JSON: \(error)"))
        }
        if let fault = EventValidator.fault(in: event) { return .failure(Fault(description: fault)) }
        guard case .integer(let time)? = event["event_data"]?["time_request_received_ns"],
            let token = tokenRange(in: line)
        else { return .failure(Fault(description: "project_token: not written as a plain string")) }
        return .success(
            EventSummary(token: token, requestTime: time, hasLineEnds: line.contains { $0 == 0x0A || $0 == 0x0D }))
    }

    /// Returns the range of the token's characters in an event that is known to be valid.
    private static func tokenRange(in line: ArraySlice<UInt8>) -> Range<Int>? {
        let name = Array("project_token".utf8)
        var depth = 0
        var position = line.startIndex
        while position < line.endIndex {
            switch line[position] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                guard let end = stringEnd(in: line, from: position) else { return nil }
                let isName = depth == 1 && line[(position + 1)..<end].elementsEqual(name)
                position = end
                guard isName else { break }
                // It is a name, and not a value, if a colon follows.
                var next = end + 1
                while next < line.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(line[next]) { next += 1 }
                guard next < line.endIndex, line[next] == UInt8(ascii: ":") else { break }
                next += 1
                while next < line.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(line[next]) { next += 1 }
                guard next < line.endIndex, line[next] == UInt8(ascii: "\""),
                    let valueEnd = stringEnd(in: line, from: next)
                else { return nil }
                return next + 1 - line.startIndex..<valueEnd - line.startIndex
            default: break
            }
            position += 1
        }
        return nil
    }

    /// Returns the index of the closing quote.
    private static func stringEnd(in line: ArraySlice<UInt8>, from quote: Int) -> Int? {
        var position = quote + 1
        while position < line.endIndex, line[position] != UInt8(ascii: "\"") {
            position += line[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return position < line.endIndex ? position : nil
    }
}
