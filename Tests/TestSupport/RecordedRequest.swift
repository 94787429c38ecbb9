import Foundation

/// A request and the event that the Python package produced for it; one line of `Tests/Fixtures/recorded`.
package struct RecordedRequest: Sendable, CustomStringConvertible {
    /// Its name in the recording.
    package let id: String
    /// The raw HTTP/1.1 request.
    package let request: Data
    package let status: Int
    /// The event as JSON; nil if the original sends none.
    package let event: Data?
    package let note: String

    package var description: String { id }

    /// - Parameter name: `router` or `cgi`.
    package static func load(_ name: String) throws -> [RecordedRequest] {
        let file = Fixtures.directory.appending(path: "recorded/\(name).jsonl")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
            guard let id = object["id"] as? String, let text = object["request_base64"] as? String,
                let request = Data(base64Encoded: text), let status = object["status"] as? Int
            else { throw NeverHappened(description: "a record of \(name) can't be read") }
            let event = object["event"] as? [String: Any]
            return RecordedRequest(
                id: id, request: request, status: status,
                event: try event.map { try JSONSerialization.data(withJSONObject: $0) },
                note: object["note"] as? String ?? "")
        }
    }

    /// The request's head, parsed: method, target, and the header fields in order without optional whitespace.
    package var head: (method: String, target: String, headers: [(name: String, value: String)]) {
        let end = request.range(of: Data("\r\n\r\n".utf8))?.lowerBound ?? request.endIndex
        let lines = String(data: request[..<end], encoding: .isoLatin1)?.components(separatedBy: "\r\n") ?? []
        let words = lines.first?.components(separatedBy: " ") ?? []
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: CharacterSet(charactersIn: " \t"))
            let bytes = Data(value.unicodeScalars.map { UInt8($0.value) })
            return (String(line[..<colon]), String(data: bytes, encoding: .utf8) ?? value)
        }
        return (words.first ?? "", words.dropFirst().dropLast().joined(separator: " "), headers)
    }
}

/// Files that tests read.
package enum Fixtures {
    package static var directory: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures")
    }
}
