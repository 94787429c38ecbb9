import TrackerCore

/// A request that can't be served, and the status to answer. The connection closes after the response.
struct RequestRefusal: Error, Equatable {
    let status: Int
    let reason: String

    init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}

/// How a request's body is delimited (RFC 9112, section 6).
enum BodyFraming: Equatable {
    case none
    case length(Int)
    case chunked
}

/// A request line and its header fields, and what they mean for the connection.
struct RequestHead {
    let request: HTTPRequest
    let framing: BodyFraming
    let keepsAlive: Bool
    let expectsContinue: Bool
}

/// Parses request heads (RFC 9112) strictly: it refuses what two servers could parse differently, so that no request
/// can be smuggled past one of them.
struct RequestHeadParser {
    struct Limits: Sendable {
        var headBytes = 32 * 1024
        var fields = 200
    }

    let limits: Limits
    /// How much of the input has been searched without finding the end.
    private var searched = 0

    init(limits: Limits) {
        self.limits = limits
    }

    /// Returns the length of the head, its empty line included; nil while it is incomplete.
    mutating func findEnd(in input: [UInt8], from start: Int) throws(RequestRefusal) -> Int? {
        var index = max(start, searched)
        while index < input.count, index - start <= limits.headBytes {
            if input[index] == 0x0A {
                guard index > start, input[index - 1] == 0x0D else {
                    throw RequestRefusal(400, "a line ends in LF without CR")
                }
                if index - start >= 3, input[index - 2] == 0x0A {
                    searched = 0
                    return index + 1 - start
                }
            }
            index += 1
        }
        searched = index
        guard index - start <= limits.headBytes else {
            searched = 0
            let isLineAlone = !input[start..<index].contains(0x0A)
            throw isLineAlone
                ? RequestRefusal(414, "the request line is too long")
                : RequestRefusal(431, "the header fields are too long")
        }
        return nil
    }

    /// - Parameter head: the bytes up to and including the empty line.
    func parse(_ head: ArraySlice<UInt8>) throws(RequestRefusal) -> RequestHead {
        var lines = HeadLines(head)
        guard let line = try lines.next() else { throw RequestRefusal(400, "no request line") }
        let (method, target, minorVersion) = try requestLine(line)
        var fields: [HTTPRequest.Field] = []
        var meaning = FieldMeaning()
        while let line = try lines.next() {
            guard fields.count < limits.fields else { throw RequestRefusal(431, "too many header fields") }
            let field = try self.field(line)
            try meaning.note(field)
            fields.append(field)
        }
        let framing = try meaning.framing(minorVersion: minorVersion)
        return RequestHead(
            request: HTTPRequest(method: method, target: target, minorVersion: minorVersion, headers: fields),
            framing: framing, keepsAlive: meaning.keepsAlive(minorVersion: minorVersion),
            expectsContinue: meaning.expectsContinue && minorVersion == 1)
    }

    private func requestLine(_ line: ArraySlice<UInt8>) throws(RequestRefusal) -> (String, String, Int) {
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), first < last else {
            throw RequestRefusal(400, "the request line is not \"method target version\"")
        }
        let method = line[..<first]
        let target = line[(first + 1)..<last]
        let version = line[(last + 1)...]
        guard !method.isEmpty, method.count <= 64, method.allSatisfy(ASCII.isTokenByte) else {
            throw RequestRefusal(400, "the method is not a token")
        }
        guard !target.isEmpty, target.allSatisfy(ASCII.isVisible) else {
            throw RequestRefusal(400, "the target contains a byte that is not allowed")
        }
        guard version.count == 8, version.starts(with: Array("HTTP/".utf8)), version[version.startIndex + 6] == 0x2E,
            ASCII.isDigit(version[version.startIndex + 5]), ASCII.isDigit(version[version.startIndex + 7])
        else { throw RequestRefusal(400, "the version is not HTTP/1.1") }
        guard version[version.startIndex + 5] == UInt8(ascii: "1") else {
            throw RequestRefusal(505, "only HTTP/1.1 and HTTP/1.0 are supported")
        }
        return (
            String(decoding: method, as: UTF8.self), String(decoding: target, as: UTF8.self),
            version[version.startIndex + 7] == UInt8(ascii: "0") ? 0 : 1
        )
    }

    private func field(_ line: ArraySlice<UInt8>) throws(RequestRefusal) -> HTTPRequest.Field {
        guard line.first.map(ASCII.isBlank) != true else { throw RequestRefusal(400, "a folded header field") }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw RequestRefusal(400, "a header field without a colon")
        }
        let name = line[..<colon]
        guard !name.isEmpty, name.allSatisfy(ASCII.isTokenByte) else {
            throw RequestRefusal(400, "a header field's name is not a token")
        }
        let text = line[(colon + 1)...].withUnsafeBufferPointer { bytes -> String? in
            let value = ASCII.trimmed(bytes)
            return ASCII.isFieldValue(value) ? TextDecoding.string(value) : nil
        }
        guard let text else { throw RequestRefusal(400, "a control character in a header field") }
        return (String(decoding: name, as: UTF8.self), text)
    }
}

/// The lines of a head, without their CRLF.
private struct HeadLines {
    private var rest: ArraySlice<UInt8>

    init(_ head: ArraySlice<UInt8>) {
        rest = head
    }

    /// Returns the next line; nil at the empty line that ends the head.
    mutating func next() throws(RequestRefusal) -> ArraySlice<UInt8>? {
        guard let end = rest.firstIndex(of: 0x0D) else { return nil }
        guard end + 1 < rest.endIndex, rest[end + 1] == 0x0A else {
            throw RequestRefusal(400, "a CR without LF")
        }
        let line = rest[..<end]
        rest = rest[(end + 2)...]
        return line.isEmpty ? nil : line
    }
}
