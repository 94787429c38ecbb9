import Foundation

/// The web server's side of a FastCGI connection, for tests of whole processes.
package final class FastCGIPeer {
    private let client: RawClient
    private var buffer: [UInt8] = []

    package init(port: UInt16) throws {
        client = try RawClient(port: port)
    }

    /// Returns the records of a request, by default one that keeps the connection.
    package static func request(
        _ id: UInt8, _ target: String, method: String = "GET", body: [UInt8] = [], keepsConnection: Bool = true
    ) -> [UInt8] {
        var parameters: [UInt8] = []
        let variables = [
            ("REQUEST_METHOD", method), ("REQUEST_URI", target), ("HTTP_HOST", "h"), ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("CONTENT_LENGTH", String(body.count)),
        ]
        for (name, value) in variables {
            parameters += [UInt8(name.utf8.count), UInt8(value.utf8.count)] + Array(name.utf8) + Array(value.utf8)
        }
        var records = record(1, id, [0, 1, keepsConnection ? 1 : 0, 0, 0, 0, 0, 0])
        records += record(4, id, parameters) + record(4, id, [])
        if !body.isEmpty { records += record(5, id, body) }
        return records + record(5, id, [])
    }

    private static func record(_ type: UInt8, _ id: UInt8, _ content: [UInt8]) -> [UInt8] {
        [1, type, 0, id, UInt8(content.count >> 8), UInt8(content.count & 255), 0, 0] + content
    }

    package func send(_ bytes: [UInt8]) { client.send(bytes) }

    /// Reads until the given number of requests have ended.
    ///
    /// - Returns: the content of their STDOUT streams; nil if the connection ended before.
    package func answers(_ count: Int) -> String? {
        var output: [UInt8] = []
        var ended = 0
        while ended < count {
            while buffer.count < 8 || buffer.count < 8 + Int(buffer[4]) << 8 + Int(buffer[5]) + Int(buffer[6]) {
                let more = client.receive()
                if more.isEmpty { return nil }
                buffer += more
            }
            let length = Int(buffer[4]) << 8 + Int(buffer[5])
            if buffer[1] == 6 { output += buffer[8..<(8 + length)] }
            if buffer[1] == 3 { ended += 1 }
            buffer.removeFirst(8 + length + Int(buffer[6]))
        }
        return String(decoding: output, as: UTF8.self)
    }

    package func close() { client.close() }
}
