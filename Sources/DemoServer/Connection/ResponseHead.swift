import TrackerCore

/// Writes the status line and the header fields of a response.
enum ResponseHead {
    enum Length {
        case known(Int)
        case chunked
        case untilClose
        /// 1xx, 204, 304: no body, and no header field about one.
        case none
    }

    static func bytes(
        _ response: HTTPResponse, length: Length, date: [UInt8], closes: Bool, minorVersion: Int
    ) -> [UInt8] {
        var head: [UInt8] = []
        head.reserveCapacity(256)
        head.append(contentsOf: "HTTP/1.1 ".utf8)
        appendNumber(response.status, to: &head)
        head.append(UInt8(ascii: " "))
        head.append(contentsOf: ReasonPhrase.standard(response.status).utf8)
        head.append(contentsOf: "\r\nDate: ".utf8)
        head.append(contentsOf: date)
        for field in response.headers {
            head.append(contentsOf: "\r\n".utf8)
            head.append(contentsOf: field.name.utf8)
            head.append(contentsOf: ": ".utf8)
            head.append(contentsOf: field.value.utf8)
        }
        switch length {
        case .known(let count):
            head.append(contentsOf: "\r\nContent-Length: ".utf8)
            appendNumber(count, to: &head)
        case .chunked: head.append(contentsOf: "\r\nTransfer-Encoding: chunked".utf8)
        case .untilClose, .none: break
        }
        if closes {
            head.append(contentsOf: "\r\nConnection: close".utf8)
        } else if minorVersion == 0 {
            head.append(contentsOf: "\r\nConnection: keep-alive".utf8)
        }
        head.append(contentsOf: "\r\n\r\n".utf8)
        return head
    }

    private static func appendNumber(_ number: Int, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: String(number).utf8)
    }
}
