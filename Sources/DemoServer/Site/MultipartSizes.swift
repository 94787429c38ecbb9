import TrackerCore

/// The names and sizes of the parts of a `multipart/form-data` body (RFC 7578).
package struct MultipartSizes {
    private var parts: [(name: String, size: Int)] = []

    package init(_ body: [UInt8], contentType: String) {
        guard let range = contentType.range(of: "boundary=") else { return }
        let boundary = contentType[range.upperBound...].prefix { $0 != ";" }.trimmingSpaces().filter { $0 != "\"" }
        guard !boundary.isEmpty, boundary.utf8.count <= 70 else { return }
        let delimiter = Array("--\(boundary)".utf8)
        var position = Self.find(delimiter, in: body, from: 0)
        while let start = position {
            let partStart = start + delimiter.count
            guard let next = Self.find(delimiter, in: body, from: partStart) else { break }
            add(body[partStart..<next])
            position = next
        }
    }

    private mutating func add(_ part: ArraySlice<UInt8>) {
        let bytes = Array(part)
        guard let headEnd = Self.find(Array("\r\n\r\n".utf8), in: bytes, from: 0) else { return }
        let head = String(decoding: bytes[..<headEnd], as: UTF8.self)
        guard let nameStart = head.range(of: "name=\"")?.upperBound else { return }
        let name = String(head[nameStart...].prefix { $0 != "\"" })
        // The line break before the next delimiter belongs to the delimiter.
        parts.append((name, max(0, bytes.count - headEnd - 4 - 2)))
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count - start >= needle.count else { return nil }
        return (start...(bytes.count - needle.count)).first {
            bytes[$0] == needle[0] && bytes[$0...].starts(with: needle)
        }
    }

    package var json: String {
        "{\(parts.map { "\(JSONText.quoted($0.name)): \($0.size)" }.joined(separator: ", "))}"
    }
}

extension StringProtocol {
    /// The range of the first occurrence of a text.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
